//! Summaries beside torchinfo's, totals beside published ones.

use std::collections::BTreeMap;
use std::fs;

use nets::summary;
use serde::Deserialize;

use crate::peer;
use crate::turn::alone;

/// What `summary.py` says of one network.
#[derive(Deserialize)]
struct Table {
    input: Vec<i64>,
    /// Name, type, depth, shape of the output, parameters, multiply-adds with those of biases and normalisation
    rows: Vec<(String, String, usize, Vec<i64>, usize, u64)>,
    /// Parameters, multiply-adds, bytes of the activations twice, bytes of the parameters
    totals: (usize, u64, usize, usize),
}

#[test]
fn rows_and_totals_are_torchinfos() {
    let _turn = alone();
    let text = fs::read_to_string(peer::fixtures().join("summary.json")).unwrap();
    let tables: BTreeMap<String, Table> = serde_json::from_str(&text).unwrap();
    assert_eq!(tables.len(), 4);
    for (name, expected) in tables {
        let found = summary(&*nets::get_model(&name, 10).unwrap(), &expected.input).unwrap();
        let mut surplus = 0; // what torchinfo counts and published figures do not
        assert_eq!(found.rows.len(), 1 + expected.rows.len(), "{name}");
        for (row, (path, kind, depth, output, parameters, macs)) in
            found.rows[1..].iter().zip(expected.rows)
        {
            let known = (path.as_str(), kind.as_str(), depth, &output, parameters);
            assert_eq!(
                (
                    row.name.as_str(),
                    row.kind.as_str(),
                    row.depth,
                    &row.output,
                    row.parameters
                ),
                known,
                "{name}"
            );
            if row.is_leaf {
                let batch = output[0] as u64;
                let pixels: i64 = output[2..].iter().product();
                let extra = match kind.as_str() {
                    // A bias for each output, where there is one.
                    "Conv2d" => {
                        (parameters as u64 * batch * pixels as u64).saturating_sub(row.macs)
                    }
                    "Linear" => batch * output[1] as u64,
                    _ => batch * parameters as u64,
                };
                assert!(
                    kind != "Conv2d" || [0, output.iter().product::<i64>() as u64].contains(&extra)
                );
                assert_eq!(row.macs + extra, macs, "{name} {path}");
                surplus += extra;
            }
        }
        let totals = (
            found.parameters,
            found.macs + surplus,
            found.activation_bytes,
            found.parameter_bytes,
        );
        assert_eq!(totals, expected.totals, "{name}");
    }
}

#[test]
fn totals_are_as_published() {
    let _turn = alone();
    // torchvision's weights: `num_params` and `_ops` (in units of 1e9) of each `IMAGENET1K_V1`
    let published = [
        ("alexnet", 61_100_840, 0.714),
        ("vgg11", 132_863_336, 7.609),
        ("vgg11_bn", 132_868_840, 7.609),
        ("vgg13", 133_047_848, 11.308),
        ("vgg13_bn", 133_053_736, 11.308),
        ("vgg16", 138_357_544, 15.47),
        ("vgg16_bn", 138_365_992, 15.47),
        ("vgg19", 143_667_240, 19.632),
        ("vgg19_bn", 143_678_248, 19.632),
        ("googlenet", 6_624_904, 1.498),
        ("resnet18", 11_689_512, 1.814),
        ("resnet34", 21_797_672, 3.664),
        ("resnet50", 25_557_032, 4.089),
        ("resnet101", 44_549_160, 7.801),
        ("resnet152", 60_192_808, 11.514),
    ];
    for (name, parameters, giga) in published {
        let table = summary(&*nets::get_model(name, 1000).unwrap(), &[1, 3, 224, 224]).unwrap();
        assert_eq!(table.parameters, parameters, "{name}");
        assert!(
            (table.macs as f64 / 1e9 - giga).abs() < 0.0006,
            "{name}: {}",
            table.macs
        );
    }
    // He et al. 2015, Table 6: 0.27, 0.46, 0.66, 0.85 and 1.7 million
    let small = [
        ("resnet20", 0.27),
        ("resnet32", 0.46),
        ("resnet44", 0.66),
        ("resnet56", 0.85),
        ("resnet110", 1.73),
    ];
    for (name, millions) in small {
        let parameters = nets::get_model(name, 10).unwrap().parameters();
        assert!(
            (parameters as f64 / 1e6 - millions).abs() < 0.005,
            "{name}: {parameters}"
        );
    }
}
