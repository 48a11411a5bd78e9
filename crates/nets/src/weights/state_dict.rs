//! [`StateDict`]: tensors by name.

use std::collections::HashMap;
use std::fmt;

use tch::{Tensor, nn};

use crate::NetError;

/// Tensors by name, in PyTorch's order: what `model.state_dict()` is in Python.
///
/// The tensors may be a network's own: whoever changes them changes the network.
#[derive(Default)]
pub struct StateDict {
    entries: Vec<(String, Tensor)>,
}

/// What became of weights that were taken over where they fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names taken over
    pub loaded: Vec<String>,
    /// Names of the network that the weights do not have
    pub missing: Vec<String>,
    /// Names of the weights that the network does not have
    pub unexpected: Vec<String>,
    /// Names of both with the shapes that differ: the network's first
    pub mismatched: Vec<(String, Vec<i64>, Vec<i64>)>,
}

impl StateDict {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All variables of a store in the order in which the layers were made, each layer's statistics behind its
    /// parameters.
    pub fn of(vs: &nn::VarStore) -> Self {
        let mut named = vs.variables();
        let names: HashMap<_, _> = named
            .iter()
            .map(|(name, tensor)| (tensor.data_ptr(), name.clone()))
            .collect();
        let parameters: Vec<String> = vs
            .trainable_variables()
            .iter()
            .filter_map(|tensor| names.get(&tensor.data_ptr()).cloned())
            .collect();
        let mut entries = Vec::with_capacity(named.len());
        let mut take = |name: &str| {
            if let Some(entry) = named.remove_entry(name) {
                entries.push(entry);
            }
        };
        for (index, name) in parameters.iter().enumerate() {
            take(name);
            let layer = layer_of(name);
            if parameters
                .get(index + 1)
                .is_none_or(|next| layer_of(next) != layer)
            {
                for statistic in ["running_mean", "running_var", "num_batches_tracked"] {
                    take(&format!("{layer}.{statistic}"));
                }
            }
        }
        let mut rest: Vec<_> = named.into_iter().collect();
        rest.sort_by(|a, b| a.0.cmp(&b.0));
        entries.extend(rest);
        Self { entries }
    }

    /// How many tensors there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The tensor called so.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter()
            .find(|(other, _)| *other == name)
            .map(|(_, tensor)| tensor)
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.entries
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The names in order.
    pub fn names(&self) -> Vec<&str> {
        self.iter().map(|(name, _)| name).collect()
    }

    /// The values as they are now, in memory of their own: a snapshot that further training leaves alone.
    ///
    /// # Errors
    /// [`NetError::Torch`] when there is no memory for it.
    pub fn snapshot(&self) -> Result<Self, NetError> {
        let copy = |(name, tensor): (&str, &Tensor)| {
            let mut copy = tensor.detach().f_empty_like()?;
            copy.f_copy_(&tensor.detach())?;
            Ok((name.to_owned(), copy))
        };
        self.iter().map(copy).collect()
    }

    /// Without what wrappers put before all names: `module.` (`DataParallel`), `_orig_mod.` (`torch.compile`), or both.
    pub(crate) fn unwrapped(mut self) -> Self {
        const WRAPPERS: [&str; 2] = ["module.", "_orig_mod."];
        let before_all = |entries: &[(String, Tensor)]| {
            let is_before_all =
                |prefix: &&str| entries.iter().all(|(name, _)| name.starts_with(*prefix));
            WRAPPERS.into_iter().find(is_before_all)
        };
        while !self.is_empty()
            && let Some(prefix) = before_all(&self.entries)
        {
            for (name, _) in &mut self.entries {
                name.drain(..prefix.len());
            }
        }
        self
    }
}

impl FromIterator<(String, Tensor)> for StateDict {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(entries: I) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

/// One line a tensor: name, shape, kind.
impl fmt::Debug for StateDict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors", self.len())?;
        let width = self.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, tensor) in self.iter() {
            write!(
                f,
                "\n  {name:<width$}  {:?} {:?}",
                tensor.kind(),
                tensor.size()
            )?;
        }
        Ok(())
    }
}

impl LoadReport {
    /// Compares names and shapes.
    fn compare(own: &StateDict, weights: &StateDict) -> Self {
        let given: HashMap<&str, &Tensor> = weights.iter().collect();
        let mine: HashMap<&str, &Tensor> = own.iter().collect();
        let mut report = Self::default();
        for (name, tensor) in own.iter() {
            match given.get(name) {
                Some(other) if other.size() == tensor.size() => report.loaded.push(name.into()),
                Some(other) => {
                    report
                        .mismatched
                        .push((name.into(), tensor.size(), other.size()));
                }
                None => report.missing.push(name.into()),
            }
        }
        let surplus = weights.iter().filter(|(name, _)| !mine.contains_key(name));
        report.unexpected = surplus.map(|(name, _)| name.to_owned()).collect();
        report
    }

    fn is_complete(&self) -> bool {
        // Files from before 2018 have no such number, and nothing is computed with it.
        let counted = |name: &String| !name.ends_with("num_batches_tracked");
        self.mismatched.is_empty()
            && self.unexpected.is_empty()
            && !self.missing.iter().any(counted)
    }
}

/// What fits, what does not: lists of names, cut after a few.
impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors fit", self.loaded.len())?;
        let lists = [("missing", &self.missing), ("surplus", &self.unexpected)];
        for (title, names) in lists {
            if !names.is_empty() {
                write!(f, "; {} {title}: {}", names.len(), cut(names))?;
            }
        }
        if !self.mismatched.is_empty() {
            let line = |(name, own, given): &(String, Vec<i64>, Vec<i64>)| {
                format!("{name} (the network has {own:?}, the weights have {given:?})")
            };
            let lines: Vec<_> = self.mismatched.iter().map(line).collect();
            write!(f, "; {} of another shape: {}", lines.len(), cut(&lines))?;
        }
        Ok(())
    }
}

/// The first few names, and how many more there are.
fn cut(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Copies all weights into the store, or none.
pub(crate) fn load_strictly(
    network: &str,
    vs: &nn::VarStore,
    weights: &StateDict,
) -> Result<(), NetError> {
    let own = StateDict::of(vs);
    let report = LoadReport::compare(&own, weights);
    if !report.is_complete() {
        return Err(NetError::StateDict {
            network: network.into(),
            report,
        });
    }
    copy(&own, weights, &report)
}

/// Copies what fits.
pub(crate) fn load_matching(
    network: &str,
    vs: &nn::VarStore,
    weights: &StateDict,
) -> Result<LoadReport, NetError> {
    let own = StateDict::of(vs);
    let report = LoadReport::compare(&own, weights);
    if report.loaded.is_empty() {
        return Err(NetError::StateDict {
            network: network.into(),
            report,
        });
    }
    copy(&own, weights, &report)?;
    Ok(report)
}

fn copy(own: &StateDict, weights: &StateDict, report: &LoadReport) -> Result<(), NetError> {
    let _guard = tch::no_grad_guard();
    let own: HashMap<&str, &Tensor> = own.iter().collect();
    let given: HashMap<&str, &Tensor> = weights.iter().collect();
    for name in &report.loaded {
        if let (Some(to), Some(from)) = (own.get(name.as_str()), given.get(name.as_str())) {
            to.shallow_clone().f_copy_(from)?;
        }
    }
    Ok(())
}

/// `layer1.0.bn1` of `layer1.0.bn1.weight`.
fn layer_of(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(layer, _)| layer)
}
