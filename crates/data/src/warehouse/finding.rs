//! What is wrong with the pictures of a warehouse.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use super::Picture;

/// In how many of 64 bits the looks of two pictures may differ that look the same.
pub const NEAR: u32 = 3;

/// What may be wrong with a picture. Thresholds are cleanvision's where it has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Issue {
    /// Cannot be read: damaged, cut short, or no picture at all.
    Broken,
    /// Its name ends as another format's does.
    WrongExtension,
    /// Another file has the very same content.
    ExactDuplicate,
    /// Another picture looks the same.
    NearDuplicate,
    /// The same content or the same look with another label.
    LabelConflict,
    /// The same picture, or one that looks the same, in training and in testing.
    Leakage,
    /// The 99th percentile of brightness is under 0.32.
    Dark,
    /// The 5th percentile of brightness is over 0.95.
    Bright,
    /// The entropy of the histogram is under 3 bits.
    LowInformation,
    /// The sharpness is under 0.29.
    Blurry,
    /// The shorter side is under 0.35 of the longer.
    OddAspect,
    /// Much smaller or larger than the others: 3 interquartile ranges beyond the quartiles.
    OddSize,
    /// All channels are the same.
    Gray,
}

impl Issue {
    /// All of them, the gravest first.
    pub const ALL: [Issue; 13] = [
        Issue::Broken,
        Issue::WrongExtension,
        Issue::LabelConflict,
        Issue::Leakage,
        Issue::ExactDuplicate,
        Issue::NearDuplicate,
        Issue::Dark,
        Issue::Bright,
        Issue::LowInformation,
        Issue::Blurry,
        Issue::OddAspect,
        Issue::OddSize,
        Issue::Gray,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Issue::Broken => "broken",
            Issue::WrongExtension => "wrong extension",
            Issue::ExactDuplicate => "exact duplicate",
            Issue::NearDuplicate => "near duplicate",
            Issue::LabelConflict => "label conflict",
            Issue::Leakage => "train/test leakage",
            Issue::Dark => "dark",
            Issue::Bright => "bright",
            Issue::LowInformation => "low information",
            Issue::Blurry => "blurry",
            Issue::OddAspect => "odd aspect",
            Issue::OddSize => "odd size",
            Issue::Gray => "gray",
        }
    }
}

/// Something that is wrong, with the pictures it concerns: one, or all that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong.
    pub issue: Issue,
    /// The paths of the pictures, sorted.
    pub paths: Vec<String>,
    /// More about it: a measure, the reason.
    pub detail: String,
}

/// All findings.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The gravest first.
    pub all: Vec<Finding>,
    /// How many pictures were looked at.
    pub of: usize,
}

impl Findings {
    /// The findings of one kind.
    pub fn of(&self, issue: Issue) -> Vec<&Finding> {
        self.all
            .iter()
            .filter(|finding| finding.issue == issue)
            .collect()
    }

    /// The paths that findings of one kind concern, sorted, each once.
    pub fn paths(&self, issue: Issue) -> Vec<&str> {
        let mut paths: Vec<&str> = self
            .of(issue)
            .into_iter()
            .flat_map(|finding| &finding.paths)
            .map(String::as_str)
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pictures", self.of)?;
        for issue in Issue::ALL {
            let paths = self.paths(issue);
            if let Some(first) = paths.first() {
                write!(f, "\n{:<20}{:>6}   {first:?}", issue.name(), paths.len())?;
            }
        }
        Ok(())
    }
}

impl rt::Show for Findings {
    fn show(&self) -> rt::Bundle {
        rt::Bundle::text(format!("{self:?}"))
    }
}

/// What is wrong with the pictures. Looks that differ in at most `radius` of 64 bits are the same.
pub fn find(pictures: &[Picture], radius: u32) -> Findings {
    let mut all = Vec::new();
    let sizes = usual_sizes(pictures);
    for picture in pictures {
        single(picture, sizes, &mut all);
    }
    for group in same_content(pictures) {
        let report = |issue, detail: &str| finding(issue, &group, detail);
        if conflicts(&group) {
            all.push(report(
                Issue::LabelConflict,
                "the same content under different labels",
            ));
        }
        if leaks(&group) {
            all.push(report(
                Issue::Leakage,
                "the same content in training and testing",
            ));
        }
        all.push(report(Issue::ExactDuplicate, "the same content"));
    }
    for group in same_look(pictures, radius) {
        if !differ(&group, |picture| &picture.hash) {
            continue;
        }
        let detail = format!("looks differ in at most {radius} of 64 bits from one to the next");
        if goes_beyond_contents(&group, leaks, is_split) {
            all.push(finding(Issue::Leakage, &group, &detail));
        }
        if goes_beyond_contents(&group, conflicts, |picture| !picture.label.is_empty()) {
            all.push(finding(Issue::LabelConflict, &group, &detail));
        }
        all.push(finding(Issue::NearDuplicate, &group, &detail));
    }
    let rank = |issue: Issue| Issue::ALL.iter().position(|&other| other == issue);
    all.sort_by(|a, b| (rank(a.issue), &a.paths).cmp(&(rank(b.issue), &b.paths)));
    Findings {
        all,
        of: pictures.len(),
    }
}

fn finding(issue: Issue, group: &[&Picture], detail: &str) -> Finding {
    Finding {
        issue,
        paths: group.iter().map(|picture| picture.path.clone()).collect(),
        detail: detail.to_string(),
    }
}

/// What is wrong with a picture by itself.
fn single(picture: &Picture, (smallest, largest): (f64, f64), all: &mut Vec<Finding>) {
    let mut report = |issue, detail: String| all.push(finding(issue, &[picture], &detail));
    if let Some(reason) = &picture.broken {
        return report(Issue::Broken, reason.clone());
    }
    let ending = Path::new(&picture.path)
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let usual = match ending.as_str() {
        "jpeg" => "jpg",
        "tif" => "tiff",
        other => other,
    };
    if usual != picture.format {
        report(Issue::WrongExtension, format!("holds {}", picture.format));
    }
    let quality = &picture.quality;
    if quality.brightness_99 < 0.32 {
        report(
            Issue::Dark,
            format!("brightness {:.2}", quality.brightness_99),
        );
    }
    if 1.0 - quality.brightness_5 < 0.05 {
        report(
            Issue::Bright,
            format!("brightness {:.2}", quality.brightness_5),
        );
    }
    if quality.entropy * 0.1 < 0.3 {
        report(
            Issue::LowInformation,
            format!("{:.1} bits", quality.entropy),
        );
    }
    if quality.sharpness < 0.29 {
        report(Issue::Blurry, format!("sharpness {:.2}", quality.sharpness));
    }
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    if (width / height).min(height / width) < 0.35 {
        report(Issue::OddAspect, format!("{width}x{height}"));
    }
    let size = (width * height).sqrt();
    if size < smallest || size > largest {
        report(Issue::OddSize, format!("{width}x{height}"));
    }
    if quality.gray {
        report(Issue::Gray, String::new());
    }
}

/// The least and the greatest usual size, as the root of the area: 3 interquartile ranges about the quartiles.
/// Where most pictures have one size, every other is odd.
fn usual_sizes(pictures: &[Picture]) -> (f64, f64) {
    let mut sizes: Vec<f64> = pictures
        .iter()
        .filter(|picture| picture.broken.is_none())
        .map(|picture| (f64::from(picture.width) * f64::from(picture.height)).sqrt())
        .collect();
    sizes.sort_by(f64::total_cmp);
    if sizes.is_empty() {
        return (0.0, f64::MAX);
    }
    let quartile = |part: f64| {
        let at = (sizes.len() - 1) as f64 * part;
        let (below, above) = (sizes[at.floor() as usize], sizes[at.ceil() as usize]);
        below + (above - below) * at.fract()
    };
    let (first, third) = (quartile(0.25), quartile(0.75));
    (first - 3.0 * (third - first), third + 3.0 * (third - first))
}

/// All pictures in groups of one content or one look, in the order of their first paths; most stand alone.
pub(super) fn alike(pictures: &[Picture]) -> Vec<Vec<&Picture>> {
    let position: HashMap<&str, usize> = pictures
        .iter()
        .enumerate()
        .map(|(at, picture)| (picture.path.as_str(), at))
        .collect();
    let mut leader: Vec<usize> = (0..pictures.len()).collect();
    let both = [same_content(pictures), same_look(pictures, NEAR)].concat();
    for group in both {
        let first = root(&mut leader, position[group[0].path.as_str()]);
        for picture in &group[1..] {
            let other = root(&mut leader, position[picture.path.as_str()]);
            let first = root(&mut leader, first);
            leader[first.max(other)] = first.min(other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Picture>> = BTreeMap::new();
    for (at, picture) in pictures.iter().enumerate() {
        groups
            .entry(root(&mut leader, at))
            .or_default()
            .push(picture);
    }
    groups.into_values().collect()
}

/// Groups of pictures with the same content.
fn same_content(pictures: &[Picture]) -> Vec<Vec<&Picture>> {
    let mut groups: BTreeMap<&str, Vec<&Picture>> = BTreeMap::new();
    for picture in pictures.iter().filter(|picture| !picture.hash.is_empty()) {
        groups.entry(&picture.hash).or_default().push(picture);
    }
    groups
        .into_values()
        .filter(|group| group.len() > 1)
        .collect()
}

/// Groups of pictures with the same look: each differs from some other of its group in at most `radius` bits.
fn same_look(pictures: &[Picture], radius: u32) -> Vec<Vec<&Picture>> {
    // Flat pictures all look the same, whatever their colour.
    let whole: Vec<&Picture> = pictures
        .iter()
        .filter(|p| p.broken.is_none() && p.quality.entropy >= 3.0)
        .collect();
    let mut leader: Vec<usize> = (0..whole.len()).collect();
    // Two looks that differ in `radius` bits are equal in at least one of `radius + 1` parts.
    let parts = radius.min(31) + 1;
    for part in 0..parts {
        let (from, to) = (64 * part / parts, 64 * (part + 1) / parts);
        let mask = (u64::MAX >> (64 - (to - from))) << from;
        let mut buckets: HashMap<u64, Vec<usize>> = HashMap::new();
        for (at, picture) in whole.iter().enumerate() {
            buckets
                .entry(picture.quality.look & mask)
                .or_default()
                .push(at);
        }
        for bucket in buckets.values() {
            for (position, &a) in bucket.iter().enumerate() {
                rt::checkpoint();
                for &b in &bucket[position + 1..] {
                    if (whole[a].quality.look ^ whole[b].quality.look).count_ones() <= radius {
                        let (a, b) = (root(&mut leader, a), root(&mut leader, b));
                        leader[a.max(b)] = a.min(b);
                    }
                }
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<&Picture>> = BTreeMap::new();
    for (at, picture) in whole.iter().enumerate() {
        groups
            .entry(root(&mut leader, at))
            .or_default()
            .push(picture);
    }
    groups
        .into_values()
        .filter(|group| group.len() > 1)
        .collect()
}

/// The first of the group that `at` belongs to.
fn root(leader: &mut [usize], mut at: usize) -> usize {
    while leader[at] != at {
        leader[at] = leader[leader[at]];
        at = leader[at];
    }
    at
}

fn differ<'a>(group: &[&'a Picture], of: impl Fn(&'a Picture) -> &'a String) -> bool {
    group.iter().any(|picture| of(picture) != of(group[0]))
}

/// Whether a group reaches from training into testing or validation.
fn leaks(group: &[&Picture]) -> bool {
    let has = |split: &str| group.iter().any(|picture| picture.split == split);
    has("train") && (has("test") || has("val"))
}

/// Whether a picture is one to train or to test with.
fn is_split(picture: &Picture) -> bool {
    ["train", "test", "val"].contains(&picture.split.as_str())
}

/// Whether a group has different labels; a picture without one contradicts nobody.
fn conflicts(group: &[&Picture]) -> bool {
    let labels = group.iter().map(|picture| &picture.label);
    let mut labels = labels.filter(|label| !label.is_empty());
    let first = labels.next();
    labels.any(|label| Some(label) != first)
}

/// Whether something is wrong with a group of one look, and concerns a picture that no group of one content has been
/// told of for it.
fn goes_beyond_contents(
    group: &[&Picture],
    is_wrong: impl Fn(&[&Picture]) -> bool,
    concerns: impl Fn(&Picture) -> bool,
) -> bool {
    let mut by_content: HashMap<&str, Vec<&Picture>> = HashMap::new();
    for &picture in group {
        by_content.entry(&picture.hash).or_default().push(picture);
    }
    let untold = |same: &Vec<&Picture>| !is_wrong(same) && same.iter().any(|one| concerns(one));
    is_wrong(group) && by_content.values().any(untold)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures by path, content and look, busy enough to have one.
    fn pictures(of: &[(&str, &str, u64)]) -> Vec<Picture> {
        let mut pictures = Vec::new();
        for &(path, hash, look) in of {
            let parts: Vec<&str> = path.split('/').collect();
            let mut picture = Picture {
                path: path.into(),
                split: parts[0].into(),
                label: parts[1].into(),
                hash: hash.into(),
                ..Picture::default()
            };
            (picture.quality.look, picture.quality.entropy) = (look, 7.0);
            pictures.push(picture);
        }
        pictures
    }

    #[test]
    fn a_near_copy_leaks_beside_an_exact_one() {
        let exact = [("train/sea/a", "1", 0), ("test/sea/a", "1", 0)];
        let found = find(&pictures(&exact), NEAR);
        assert_eq!(found.of(Issue::Leakage).len(), 1);
        let near = [exact[0], exact[1], ("test/sea/b", "2", 1)];
        let found = find(&pictures(&near), NEAR);
        assert!(found.paths(Issue::Leakage).contains(&"test/sea/b"));
        // What is neither trained nor tested with cannot leak.
        let other = [exact[0], exact[1], ("pred/sea/b", "2", 1)];
        let found = find(&pictures(&other), NEAR);
        assert!(!found.paths(Issue::Leakage).contains(&"pred/sea/b"));
    }

    #[test]
    fn a_near_copy_with_another_label_is_a_conflict() {
        let near = [("train/sea/a", "1", 0), ("train/lake/b", "2", 1)];
        let found = find(&pictures(&near), NEAR);
        assert_eq!(
            found.paths(Issue::LabelConflict),
            ["train/lake/b", "train/sea/a"]
        );
        let far = [("train/sea/a", "1", 0), ("train/lake/b", "2", 0xFFFF)];
        let found = find(&pictures(&far), NEAR);
        assert!(found.of(Issue::LabelConflict).is_empty());
        let unlabelled = [("train/sea/a", "1", 0), ("train//b", "1", 0)];
        let found = find(&pictures(&unlabelled), NEAR);
        assert!(found.of(Issue::LabelConflict).is_empty());
    }
}
