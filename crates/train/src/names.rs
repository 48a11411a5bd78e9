//! Finding parameters by the beginning of their name.

use tch::Tensor;

use crate::TrainError;

/// The positions of the parameters that `prefix` names: `layer4` names `layer4.0.conv1.weight`, not
/// `layer40.weight`; an empty prefix names all.
///
/// # Errors
/// [`TrainError::Unknown`] when there is none, with the names there are.
pub(crate) fn matching(named: &[(String, Tensor)], prefix: &str) -> Result<Vec<usize>, TrainError> {
    let found: Vec<usize> = (0..named.len())
        .filter(|&index| is_below(&named[index].0, prefix))
        .collect();
    if found.is_empty() {
        return Err(TrainError::Unknown {
            what: "parameter",
            name: prefix.into(),
            known: tops(named).join(", "),
        });
    }
    Ok(found)
}

/// Whether a name is `prefix` or a part of it.
pub(crate) fn is_below(name: &str, prefix: &str) -> bool {
    match name.strip_prefix(prefix.trim_end_matches('.')) {
        Some(rest) => prefix.is_empty() || rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

/// The first part of each name, once, in order: `conv1`, `bn1`, `layer1`.
fn tops(named: &[(String, Tensor)]) -> Vec<String> {
    let mut tops: Vec<String> = named
        .iter()
        .filter_map(|(name, _)| name.split('.').next())
        .map(Into::into)
        .collect();
    tops.dedup();
    tops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_where_a_name_does() {
        assert!(is_below("layer4.0.conv1.weight", "layer4"));
        assert!(is_below("layer4.0.conv1.weight", "layer4."));
        assert!(is_below("fc.weight", "fc.weight") && is_below("fc.weight", ""));
        assert!(!is_below("layer40.weight", "layer4") && !is_below("fc", "fc.weight"));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let named =
            ["conv1.weight", "fc.weight", "fc.bias"].map(|name| (name.into(), Tensor::new()));
        assert_eq!(matching(&named, "fc").unwrap(), [1, 2]);
        let message = matching(&named, "classifier").unwrap_err().to_string();
        assert_eq!(
            message,
            "the network has no parameter \"classifier\"; it has conv1, fc"
        );
    }
}
