//! Every case of the corpus in evcxr: a case marked `same` agrees with it, one marked `differs` does not.
//!
//! evcxr takes half a second a cell, so its answers are remembered in the folder for everything generated.

use std::sync::{Arc, LazyLock};

use anyhow::Context;
use libtest_mimic::{Arguments, Failed, Trial};
use tests::cells::corpus::{self, Case, Oracle};
use tests::cells::oracle::{Answer, Answers, Evcxr, difference};
use tests::pool::Pool;

static WAITING: LazyLock<Pool<Evcxr>> = LazyLock::new(Pool::new);

fn main() -> anyhow::Result<()> {
    let mut arguments = Arguments::from_args();
    arguments.filter = arguments.filter.or_else(|| std::env::var("CASE").ok());
    let answers = Arc::new(Answers::remembered()?);
    let trials = corpus::load()?.into_iter().map(|case| {
        let answers = Arc::clone(&answers);
        let not_run = matches!(case.oracle, Oracle::NotRun(_));
        Trial::test(case.name.clone(), move || check(&case, &answers)).with_ignored_flag(not_run)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // `exit` would leave the waiting processes behind.
    while WAITING.take().is_some() {}
    conclusion.exit()
}

fn check(case: &Case, remembered: &Answers) -> Result<(), Failed> {
    let answers = match remembered.find(case) {
        Some(answers) => answers,
        None => {
            let answers = ask(case).map_err(|error| format!("{error:#}"))?;
            remembered.keep(case, &answers);
            answers
        }
    };
    match (&case.oracle, difference(case, &answers)) {
        (Oracle::Same, Some(report)) => Err(format!("evcxr does something else:\n{report}").into()),
        (Oracle::Differs(why), None) => {
            Err(format!("evcxr does the same, though marked `differs: {why}`").into())
        }
        _ => Ok(()),
    }
}

fn ask(case: &Case) -> anyhow::Result<Vec<Answer>> {
    let mut evcxr = WAITING.take().map_or_else(Evcxr::start, Ok)?;
    // One that has not answered is dropped, and ends.
    let answers = evcxr.run(&case.cells).context(case.name.clone())?;
    WAITING.give_back(evcxr);
    Ok(answers)
}
