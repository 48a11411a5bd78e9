//! What an optimiser remembers, in the layout of PyTorch's `optimizer.state_dict()`.

use nets::weights::Value;
use tch::{Kind, TchError, Tensor};

use super::{AdamW, Memory, Optimizer, Rule};
use crate::TrainError;
use crate::error::said;

impl Optimizer {
    /// What it remembers of each parameter, and its settings: `optimizer.state_dict()` in Python, whose
    /// `load_state_dict` takes it. Parameters of the same factor are a group. The tensors are not copies.
    pub fn state_dict(&self) -> Value {
        let (mut state, mut groups, mut number) = (Vec::new(), Vec::new(), 0);
        for (factor, members) in self.groups() {
            let mut numbers = Vec::new();
            for &member in &members {
                if self.memory[member].steps > 0 {
                    state.push((Value::Int(number), self.remembered(member)));
                }
                numbers.push(Value::Int(number));
                number += 1;
            }
            let names = members
                .iter()
                .map(|&member| self.parameters[member].0.clone());
            let mut group = self.settings(factor);
            group.push(("params", Value::List(numbers)));
            group.push(("param_names", names.collect::<Vec<_>>().into()));
            groups.push(Value::dict(group));
        }
        Value::dict([
            ("state", Value::Dict(state)),
            ("param_groups", Value::List(groups)),
        ])
    }

    /// Takes over what another optimiser with the same rule remembered, ours or PyTorch's. Rates and other
    /// settings stay its own.
    ///
    /// # Errors
    /// [`TrainError::Settings`] when it is the state of another rule or another network.
    pub fn load_state_dict(&mut self, state: &Value) -> Result<(), TrainError> {
        let wrong = |problem: String| TrainError::settings(format!("optimizer: {problem}"));
        let owners = self.owners(state).map_err(wrong)?;
        let Some(Value::Dict(entries)) = state.get("state") else {
            return Err(wrong("this is no state of an optimiser".into()));
        };
        let mut memory: Vec<Memory> = self.parameters.iter().map(|_| Memory::default()).collect();
        for (number, entry) in entries {
            let owner = number
                .as_i64()
                .and_then(|number| owners.get(number as usize));
            let Some(&owner) = owner else {
                return Err(wrong(format!(
                    "something is remembered of {number:?}, which is no parameter"
                )));
            };
            memory[owner] = self.memory_of(owner, entry)?;
        }
        self.memory = memory;
        Ok(())
    }

    /// Which parameter each number of a state stands for: by name where names are given, else by order.
    fn owners(&self, state: &Value) -> Result<Vec<usize>, String> {
        let groups = state
            .get("param_groups")
            .map(Value::elements)
            .unwrap_or_default();
        let names: Vec<&str> = groups
            .iter()
            .filter_map(|group| group.get("param_names"))
            .flat_map(Value::elements)
            .filter_map(Value::as_str)
            .collect();
        if names.is_empty() {
            return Ok((0..self.parameters.len()).collect());
        }
        let place = |name: &str| self.parameters.iter().position(|(own, _)| own == name);
        names
            .into_iter()
            .map(|name| place(name).ok_or_else(|| format!("the network has no parameter {name}")))
            .collect()
    }

    fn memory_of(&self, owner: usize, entry: &Value) -> Result<Memory, TrainError> {
        let (name, parameter) = &self.parameters[owner];
        let take = |slot: &&str| match entry.get(slot).and_then(Value::as_tensor) {
            Some(tensor) if tensor.size() == parameter.size() => tensor
                .f_to_device(parameter.device())
                .and_then(|tensor| own_copy(&tensor))
                .map_err(said("loading the optimiser")),
            Some(tensor) => Err(TrainError::settings(format!(
                "optimizer: {slot} of {name} has the shape {:?}, the parameter has {:?}",
                tensor.size(),
                parameter.size()
            ))),
            None => Err(TrainError::settings(format!(
                "optimizer: the state has no {slot} of {name}; it is that of another rule than {}",
                self.rule.describe()
            ))),
        };
        let steps = match entry.get("step") {
            Some(Value::Tensor(steps)) => steps
                .f_double_value(&[])
                .map_err(said("loading the optimiser"))?,
            Some(steps) => steps.as_f64().unwrap_or(1.0),
            None => 1.0, // SGD does not count
        };
        Ok(Memory {
            steps: steps as u64,
            slots: self
                .rule
                .slots()
                .iter()
                .map(take)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The parameters by their factor, in the order in which factors occur.
    fn groups(&self) -> Vec<(f64, Vec<usize>)> {
        let mut groups: Vec<(f64, Vec<usize>)> = Vec::new();
        for (index, &factor) in self.factors.iter().enumerate() {
            match groups.iter_mut().find(|(other, _)| *other == factor) {
                Some((_, members)) => members.push(index),
                None => groups.push((factor, vec![index])),
            }
        }
        groups
    }

    fn remembered(&self, index: usize) -> Value {
        let memory = &self.memory[index];
        let slots = self.rule.slots().iter().zip(&memory.slots);
        let mut entry: Vec<(&str, Value)> = slots
            .map(|(name, tensor)| (*name, tensor.shallow_clone().into()))
            .collect();
        if !matches!(self.rule, Rule::Sgd(_)) {
            let steps = Tensor::from(memory.steps as f64).to_kind(Kind::Float);
            entry.insert(0, ("step", steps.into()));
        }
        Value::dict(entry)
    }

    /// A group's settings by PyTorch's names.
    fn settings(&self, factor: f64) -> Vec<(&'static str, Value)> {
        let rate = ("lr", Value::from(self.rate * factor));
        match &self.rule {
            Rule::Sgd(rule) => vec![
                rate,
                ("momentum", rule.momentum.into()),
                ("dampening", 0.0.into()),
                ("weight_decay", rule.weight_decay.into()),
                ("nesterov", rule.nesterov.into()),
                ("maximize", false.into()),
            ],
            Rule::Adam(rule) | Rule::AdamW(AdamW(rule)) => vec![
                rate,
                (
                    "betas",
                    Value::Tuple(vec![rule.betas.0.into(), rule.betas.1.into()]),
                ),
                ("eps", rule.eps.into()),
                ("weight_decay", rule.weight_decay.into()),
                ("amsgrad", false.into()),
                ("maximize", false.into()),
            ],
        }
    }
}

/// The same numbers in memory of their own.
fn own_copy(tensor: &Tensor) -> Result<Tensor, TchError> {
    let mut copy = tensor.f_zeros_like()?;
    copy.f_copy_(tensor)?;
    Ok(copy)
}
