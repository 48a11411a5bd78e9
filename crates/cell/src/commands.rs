//! Lines of a cell that are not Rust: `:vars`, `:type x`, `!ls`.

use crate::engine::VariableInfo;
use crate::exercises::WORDS;
use crate::scan::Scanner;

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `:help`
    Help,
    /// `:vars`
    Vars,
    /// `:type name`
    Type(String),
    /// `:clear`
    Clear,
    /// `:timing`
    Timing,
    /// `:opt 3`, or `:opt` for the default.
    Opt(Option<u8>),
    /// `:replay`
    Replay,
    /// `:dep rand_distr = "0.5"`
    Dep(String),
    /// `:check blur`: the word and the rest.
    Exercise(String, String),
    /// `!ls`
    Shell(String),
    /// `:something else`
    Unknown(String),
}

/// What `:help` says.
pub const HELP: &str = "\
Write Rust; nothing has to be imported. The last expression is shown, variables and functions stay for later cells.

:vars              all variables with type and value
:type NAME         the type of a variable
:timing            shows or hides how long cells take
:opt LEVEL         compiles every cell at optimisation level 0 to 3; `:opt` alone goes back to the default
:dep NAME = \"1\"    adds a crate from crates.io, for the cells that follow
:replay            runs the earlier cells again, after a crash or to start clean
:check EXERCISE    tests your answer and says why it fails; `:check` alone tests all of the notebook
:hint              the next hint for the exercise checked last; `:hint 2` is the second
:solution          its solution, where there is one to be seen
:progress          what is solved
:clear             forgets all variables and items
!COMMAND           runs a command of the shell
:help              this list

Interrupting a cell keeps all variables. CVSTUDY_BACKTRACE=1 in the environment shows whole backtraces.
";

/// Parts a cell into its commands and the Rust that is left, in which the commands' lines are blank.
///
/// `known` tells whether a name is the learner's: `!done` as the last line is a negation then, not a command.
pub fn split(code: &str, known: &dyn Fn(&str) -> bool) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let mut rust = String::with_capacity(code.len());
    // A script's first line names its interpreter.
    let code = match code.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => {
            &code[code.find('\n').unwrap_or(code.len())..]
        }
        _ => code,
    };
    for line in code.split_inclusive('\n') {
        // Inside brackets, strings and comments a line belongs to the Rust around it. That takes a look at all of
        // it, so it comes second.
        let command = command_in(line.trim(), known, rust.trim().is_empty());
        match command.filter(|_| is_at_top(&rust)) {
            Some(command) => {
                commands.push(command);
                rust.push_str(if line.ends_with('\n') { "\n" } else { "" });
            }
            None => rust.push_str(line),
        }
    }
    (commands, rust)
}

fn is_at_top(before: &str) -> bool {
    let mut scanner = Scanner::new(before);
    let mut depth = 0_i64;
    while let Some(c) = scanner.next_code_char() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    depth == 0 && !scanner.ended_inside()
}

fn command_in(line: &str, known: &dyn Fn(&str) -> bool, first: bool) -> Option<Command> {
    if let Some(shell) = line.strip_prefix('!') {
        return is_shell(shell, known, first).then(|| Command::Shell(shell.trim().to_string()));
    }
    let rest = line
        .strip_prefix(':')
        .filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))?;
    let (word, argument) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let argument = argument.trim();
    Some(match word {
        "help" => Command::Help,
        "vars" => Command::Vars,
        "type" | "t" => Command::Type(argument.to_string()),
        "clear" => Command::Clear,
        "timing" => Command::Timing,
        "opt" if argument.is_empty() => Command::Opt(None),
        "opt" => match argument.parse() {
            Ok(level @ 0..=3) => Command::Opt(Some(level)),
            _ => Command::Unknown(format!("opt {argument}")),
        },
        "replay" => Command::Replay,
        "dep" => Command::Dep(argument.to_string()),
        word if WORDS.contains(&word) => Command::Exercise(word.to_string(), argument.to_string()),
        _ => Command::Unknown(word.to_string()),
    })
}

/// `!ls -l` is for the shell; `!flag` and `!(a && b)` are Rust.
fn is_shell(rest: &str, known: &dyn Fn(&str) -> bool, first: bool) -> bool {
    let word: String = rest
        .trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let after = rest.trim_start()[word.len()..].trim_start();
    let rust = rest.starts_with(['(', '!', '&', '*', '{', '[', '"', '\''])
        || rest.trim_start().is_empty()
        || matches!(word.as_str(), "true" | "false" | "self")
        || known(&word)
        || after.starts_with(['(', '!'])
        || after.starts_with("::")
        || (!word.is_empty() && is_method_call(after));
    first && !rust
}

/// `.is_empty()` and `.first.is_empty()` are Rust; the dots of `python3.11 -V` and `run.sh` are not.
fn is_method_call(after: &str) -> bool {
    let Some(member) = after.strip_prefix('.') else {
        return false;
    };
    let length = member
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(member.len());
    let (name, rest) = member.split_at(length);
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && (rest.starts_with('(') || rest.starts_with("::<") || is_method_call(rest))
}

/// What to say to a command that does not exist.
pub fn unknown(word: &str) -> String {
    if word.starts_with("opt") {
        return "`:opt` takes a level from 0 to 3".into();
    }
    format!("there is no command `:{word}`; `:help` lists all")
}

/// The variables as a table.
pub fn table(variables: &[VariableInfo]) -> String {
    if variables.is_empty() {
        return "no variables\n".into();
    }
    let width = |of: fn(&VariableInfo) -> &str| {
        variables
            .iter()
            .map(|variable| of(variable).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (names, types) = (
        width(|variable| &variable.name),
        width(|variable| &variable.type_name).min(40),
    );
    let line = |variable: &VariableInfo| {
        let text = format!(
            "{:names$}  {:types$}  {}",
            variable.name, variable.type_name, variable.value
        );
        format!("{}\n", text.trim_end())
    };
    variables.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(code: &str) -> (Vec<Command>, String) {
        split(code, &|name| name == "flag")
    }

    #[test]
    fn commands_leave_the_rust() {
        let (found, rust) = commands(":timing\n:vars\nlet x = 1;\n:type x");
        assert_eq!(
            found,
            [Command::Timing, Command::Vars, Command::Type("x".into())]
        );
        assert_eq!(rust, "\n\nlet x = 1;\n");
    }

    #[test]
    fn rust_that_looks_like_a_command_stays() {
        for rust in [
            "let s = \"\n:vars\n\";",
            "!flag",
            "!(1 > 2)",
            "let x = 1;\n!x",
            "::std::mem::drop(1)",
            "f(\n!ls\n)",
            "!v.is_empty()",
            "!v.names.is_empty()",
            "!v.iter::<u8>()",
            "!flag.inner",
        ] {
            assert_eq!(commands(rust).0, [], "{rust}");
        }
    }

    #[test]
    fn lines_for_the_shell_may_begin_with_a_path_and_have_dots() {
        for line in [
            "ls -la",
            "./run.sh",
            "../bin/run --fast (now)",
            "python3.11 -V",
            "run.sh (now)",
            "make.sh",
        ] {
            let command = Command::Shell(line.into());
            assert_eq!(commands(&format!("!{line}")).0, [command], "{line}");
        }
        assert_eq!(
            commands("  !git status").0,
            [Command::Shell("git status".into())]
        );
    }

    #[test]
    fn a_long_cell_is_read_once() {
        let cell = "let number = 1; // and no command\n".repeat(200_000);
        let began = std::time::Instant::now();
        assert_eq!(commands(&cell), (Vec::new(), cell.clone()));
        // Not a measurement: to look at all that stands before each line takes hours.
        assert!(began.elapsed().as_secs() < 60);
    }

    #[test]
    fn commands_about_exercises_are_handed_on() {
        let exercise = |word: &str, rest: &str| Command::Exercise(word.into(), rest.into());
        assert_eq!(commands(":check w3-blur").0, [exercise("check", "w3-blur")]);
        assert_eq!(commands(":hint").0, [exercise("hint", "")]);
    }

    #[test]
    fn unknown_commands_are_named() {
        assert_eq!(
            commands(":nonsense 1").0,
            [Command::Unknown("nonsense".into())]
        );
        assert_eq!(commands(":opt 9").0, [Command::Unknown("opt 9".into())]);
    }
}
