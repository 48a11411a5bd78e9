//! Carrying out what a plan says: all of it or nothing, whatever happens on the way.
//!
//! A change is written down, step by step, before its first file moves. One process at a time changes a warehouse; what
//! one that was killed has left half done, the next finishes, or takes back when that cannot be. Whatever fails, a
//! warehouse can be opened.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use rusqlite::{TransactionBehavior, params};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{Change, LOCK, OWN, Plan, Warehouse};
use crate::DataError;
use crate::lock::Lock;

/// How the target of a plan begins that sets something aside. The number of the change takes the place of the word in
/// braces when there is one.
pub(super) const ASIDE: &str = ".warehouse/aside/{change}/";

/// Where a file waits whose new name another one is about to leave.
const WAITING: &str = ".warehouse/waiting/";

/// How the name of a half copied file begins.
const HALF: &str = "copy-";

/// One file of a change that goes from one name to another.
struct Step {
    number: i64,
    change: i64,
    source: String,
    target: String,
    state: String,
}

/// Whether a change is being made or taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    There,
    Back,
}

impl Way {
    /// The states of a step before and after it has gone this way.
    fn states(self) -> (&'static str, &'static str) {
        match self {
            Way::There => ("planned", "done"),
            Way::Back => ("undoing", "undone"),
        }
    }
}

impl Warehouse {
    /// Does what a plan says, all of it or nothing, and returns the number for [`undo`](Self::undo). When the
    /// process is killed in the middle, the next [`open`](Self::open) does the rest.
    ///
    /// # Errors
    /// Before anything is done: when two files would get one name, a name is taken, a file is gone, a target lies
    /// outside of the warehouse, or the warehouse cannot be written to. When something fails on the way, a full disk
    /// say, what has been done is taken back.
    pub fn apply(&mut self, plan: &Plan) -> Result<i64, DataError> {
        let _lock = self.lock()?;
        self.recover()?;
        self.allow(plan)?;
        let change = self.write_down(plan)?;
        let done = self.carry_out(change, Way::There);
        let told = match done {
            Ok(()) => Ok(change),
            Err(error) => Err(self.take_back(change, &error)?),
        };
        // Paths, labels and splits in the index follow the files.
        self.refresh()?;
        told.map_err(DataError::Setting)
    }

    /// Takes a change back: every file returns to where it was. Returns how many did.
    ///
    /// # Errors
    /// Before anything is done: when there is no such change, a file's old name is taken by now, or a file is not where
    /// the change has put it. When something fails on the way, the change is made again.
    pub fn undo(&mut self, change: i64) -> Result<usize, DataError> {
        let _lock = self.lock()?;
        self.recover()?;
        let known = "SELECT COUNT(*) FROM changes WHERE number = ?1";
        let known: i64 = self.index.query_row(known, [change], |row| row.get(0))?;
        let steps = self.steps(change, "done")?;
        // A plan without moves is a change as well.
        let empty = steps.is_empty() && self.steps(change, "%")?.is_empty();
        if known == 0 || (steps.is_empty() && !empty) {
            return Err(DataError::Setting(format!(
                "there is no change {change} that could be undone"
            )));
        }
        self.allow_back(change, &steps)?;
        let text = "UPDATE journal SET state = 'undoing' WHERE change = ?1 AND state = 'done'";
        self.index.execute(text, [change])?;
        let told = match self.carry_out(change, Way::Back) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.make_again(change, &error)?),
        };
        self.refresh()?;
        told.map_err(DataError::Setting)?;
        Ok(steps.iter().filter(|step| !step.goes_on()).count())
    }

    /// All changes, the latest first.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn changes(&self) -> Result<Vec<Change>, DataError> {
        let text = "SELECT number, changes.what, COUNT(step), IFNULL(SUM(state = 'undone'), 0), \
             IFNULL(SUM(state = 'failed'), 0) FROM changes LEFT JOIN journal \
             ON change = number AND source NOT LIKE ?1 || '%' GROUP BY number ORDER BY number DESC";
        let mut query = self.index.prepare(text)?;
        let rows = query.query_map([WAITING], |row| {
            Ok(Change {
                number: row.get(0)?,
                what: row.get(1)?,
                files: row.get::<_, i64>(2)? as usize,
                undone: row.get::<_, i64>(3)? > 0,
                failed: row.get::<_, i64>(4)? > 0,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Finishes what the journal says has been begun and not done, after a kill for example. Looks first without the
    /// lock, which another process may hold for long.
    pub(super) fn finish_changes(&mut self) -> Result<(), DataError> {
        let text = "SELECT COUNT(*) FROM journal WHERE state IN ('planned', 'undoing')";
        let begun: i64 = self.index.query_row(text, [], |row| row.get(0))?;
        if begun == 0 || self.refusal.is_some() {
            return Ok(());
        }
        let _lock = self.lock()?;
        self.recover()
    }

    /// The right to change something, which one process has at a time.
    fn lock(&self) -> Result<Lock, DataError> {
        if let Some(reason) = &self.refusal {
            let problem = format!("cannot be written to ({reason}), so nothing in it can be moved");
            return Err(DataError::content(&self.root, problem));
        }
        let tell = || eprintln!("another process changes this warehouse; waiting for it");
        Lock::take(&self.own.join(LOCK), tell)
    }

    /// Finishes or takes back what has been begun by a process that is gone: nobody else has the lock.
    fn recover(&mut self) -> Result<(), DataError> {
        for way in [Way::There, Way::Back] {
            let text = "SELECT DISTINCT change FROM journal WHERE state = ?1 ORDER BY change";
            let changes: Vec<i64> = self
                .index
                .prepare(text)?
                .query_map([way.states().0], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for change in changes {
                let Err(error) = self.carry_out(change, way) else {
                    continue;
                };
                let told = match way {
                    Way::There => self.take_back(change, &error)?,
                    Way::Back => self.make_again(change, &error)?,
                };
                let notice = format!("change {change} had been interrupted: {told}");
                eprintln!("{notice}");
                self.notices.push(notice);
            }
        }
        self.remove_halves();
        Ok(())
    }

    /// Removes what killed processes have copied in part. What cannot be removed does no harm.
    fn remove_halves(&self) {
        for entry in fs::read_dir(self.root.join(OWN)).into_iter().flatten() {
            let Ok(entry) = entry else { continue };
            if entry.file_name().to_string_lossy().starts_with(HALF) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// Writes a plan into the journal, under a number that no other change has.
    fn write_down(&mut self, plan: &Plan) -> Result<i64, DataError> {
        let write = self
            .index
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        write.execute("INSERT INTO changes (what) VALUES (?1)", [&plan.what])?;
        let change = write.last_insert_rowid();
        for (from, to) in in_order(&plan.moves, change) {
            write.execute(
                "INSERT INTO journal (change, what, source, target, state) VALUES (?1, ?2, ?3, ?4, 'planned')",
                params![change, plan.what, from, to],
            )?;
        }
        write.commit()?;
        Ok(change)
    }

    /// The steps of a change in a state (`%` for any), in order.
    fn steps(&self, change: i64, state: &str) -> Result<Vec<Step>, DataError> {
        let text = "SELECT step, change, source, target, state FROM journal \
             WHERE change = ?1 AND state LIKE ?2 ORDER BY step";
        let mut query = self.index.prepare(text)?;
        let rows = query.query_map(params![change, state], |row| {
            Ok(Step {
                number: row.get(0)?,
                change: row.get(1)?,
                source: row.get(2)?,
                target: row.get(3)?,
                state: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Does the steps of a change that are to go this way, and ends with the first that cannot.
    fn carry_out(&mut self, change: i64, way: Way) -> Result<(), DataError> {
        let (before, after) = way.states();
        let mut steps = self.steps(change, before)?;
        if way == Way::Back {
            steps.reverse();
        }
        for step in steps {
            rt::checkpoint();
            self.go(&step, way)?;
            self.mark(&step, after, Some(way))?;
        }
        Ok(())
    }

    /// One step. That it has been done already, by a process that was killed before it could say so, is well.
    fn go(&self, step: &Step, way: Way) -> Result<(), DataError> {
        let (from, to) = step.ends(way);
        if way == Way::There && step.is_import() && !self.is_there(&from) {
            return self.copy(step);
        }
        self.carry(&from, &to)
    }

    /// Writes down the state of a step; tags go the way that the file has gone.
    fn mark(&mut self, step: &Step, state: &str, gone: Option<Way>) -> Result<(), DataError> {
        let write = self.index.transaction()?;
        let text = "UPDATE journal SET state = ?1 WHERE step = ?2";
        write.execute(text, params![state, step.number])?;
        if let Some(way) = gone {
            let (from, to) = step.ends(way);
            let text = "UPDATE OR REPLACE tags SET path = ?1 WHERE path = ?2";
            write.execute(text, [to, from])?;
        }
        write.commit()?;
        Ok(())
    }

    /// Takes a change back that could not be carried out, and tells what came of it.
    fn take_back(&mut self, change: i64, error: &DataError) -> Result<String, DataError> {
        let mut stuck = String::new();
        let planned = self.steps(change, "planned")?;
        // Steps go in order: of those that nobody has called done only the first can be.
        let first = planned.first().map(|step| step.number);
        for step in planned.iter().filter(|step| Some(step.number) != first) {
            self.mark(step, "failed", None)?;
        }
        let mut gone = self.steps(change, "done")?;
        gone.extend(self.steps(change, "planned")?);
        for step in gone.iter().rev() {
            let not_done = step.state == "planned" && !self.is_import_or_gone(step);
            if not_done || !self.is_there(&step.target) {
                self.mark(step, "failed", None)?;
                continue;
            }
            let back = if step.is_import() && self.is_copy(step) {
                let copy = self.root.join(&step.target);
                fs::remove_file(&copy).map_err(DataError::io("cannot be removed", &copy))
            } else {
                self.go(step, Way::Back)
            };
            if back.is_ok() {
                self.mark(step, "failed", Some(Way::Back))?;
            } else {
                let _ = write!(stuck, " {:?}", step.target);
                self.mark(step, "done", None)?;
            }
        }
        Ok(match stuck.as_str() {
            "" => format!("{error}. Nothing has been changed"),
            _ => format!("{error}. All was taken back but{stuck}; undo({change}) tries that again"),
        })
    }

    /// Whether a step, if its target is there, has put it there.
    fn is_import_or_gone(&self, step: &Step) -> bool {
        step.is_import() || !self.is_there(&step.source)
    }

    /// Makes a change again that could not be taken back, and tells what came of it.
    fn make_again(&mut self, change: i64, error: &DataError) -> Result<String, DataError> {
        let mut stuck = String::new();
        let undoing = self.steps(change, "undoing")?;
        // Steps go back in order: of those that nobody has called undone only the last can be.
        let last = undoing.last().map(|step| step.number);
        for step in undoing.iter().filter(|step| Some(step.number) != last) {
            self.mark(step, "done", None)?;
        }
        let mut back = self.steps(change, "undoing")?;
        back.extend(self.steps(change, "undone")?);
        for step in &back {
            let (from, _) = step.ends(Way::There);
            let stays = step.state == "undoing" && self.is_there(&step.target);
            if stays || !self.is_there(&from) {
                self.mark(step, "done", None)?;
            } else if self.go(step, Way::There).is_ok() {
                self.mark(step, "done", Some(Way::There))?;
            } else {
                let _ = write!(stuck, " {from:?}");
                self.mark(step, "undone", None)?;
            }
        }
        Ok(match stuck.as_str() {
            "" => format!("{error}. Change {change} has not been undone"),
            _ => format!("{error}. Of change {change} only this has been undone:{stuck}"),
        })
    }

    /// Whether a plan can be carried out as a whole.
    fn allow(&self, plan: &Plan) -> Result<(), DataError> {
        let leaving: HashSet<&str> = plan.moves.iter().map(|(from, _)| from.as_str()).collect();
        let mut sources = HashSet::new();
        let mut targets = HashSet::new();
        for (from, to) in &plan.moves {
            let wrong = |problem: String| Err(DataError::content(self.root.join(from), problem));
            let inside = Path::new(to)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if !inside || to.is_empty() {
                return wrong(format!(
                    "cannot go to {to:?}, which is outside of the warehouse"
                ));
            }
            if is_own(from) || (is_own(to) && !to.starts_with(ASIDE)) {
                return wrong(format!("{OWN} belongs to the warehouse itself"));
            }
            if !sources.insert(from.as_str()) {
                return wrong("stands in the plan twice".into());
            }
            if !targets.insert(to.as_str()) {
                return wrong(format!(
                    "would become {to:?}, as another file would; use {{number}} or {{hash}} in the pattern"
                ));
            }
            if self.is_there(to) && (from == to || !leaving.contains(to.as_str())) {
                return wrong(format!("cannot become {to:?}: there is such a file"));
            }
            if !self.is_there(from) {
                return wrong("is not there any more; refresh the warehouse".into());
            }
        }
        for (from, to) in &plan.moves {
            let above = Path::new(to).ancestors().skip(1).filter_map(Path::to_str);
            let file = above.into_iter().find(|folder| targets.contains(folder));
            if let Some(file) = file.or(self.file_above(to).as_deref()) {
                let problem = format!("cannot become {to:?}: {file:?} is a file, not a folder");
                return Err(DataError::content(self.root.join(from), problem));
            }
        }
        Ok(())
    }

    /// Whether the steps of a change can all be undone, as files lie now.
    fn allow_back(&self, change: i64, steps: &[Step]) -> Result<(), DataError> {
        let (mut left, mut taken) = (HashSet::new(), HashSet::new());
        for step in steps.iter().rev() {
            let (from, to) = step.ends(Way::Back);
            let wrong = |path: &str, problem: String| {
                let problem = format!("{problem}, so change {change} cannot be undone");
                Err(DataError::content(self.root.join(path), problem))
            };
            if !taken.contains(&from) && (!self.is_there(&from) || left.contains(&from)) {
                return wrong(&from, "is not there any more".into());
            }
            if taken.contains(&to) || (self.is_there(&to) && !left.contains(&to)) {
                let problem = "is a name that another file has by now; move that one first";
                return wrong(&to, problem.into());
            }
            if let Some(file) = self.file_above(&to) {
                return wrong(&to, format!("cannot return: {file:?} is a file by now"));
            }
            taken.remove(&from);
            left.remove(&to);
            left.insert(from);
            taken.insert(to);
        }
        Ok(())
    }

    /// The file, if there is one, that stands where a path needs a folder.
    fn file_above(&self, path: &str) -> Option<String> {
        let above = Path::new(path).ancestors().skip(1);
        let mut above = above.filter(|folder| !folder.as_os_str().is_empty());
        let file = above.find(|folder| {
            let folder = self.root.join(folder);
            folder.symlink_metadata().is_ok() && !folder.is_dir()
        });
        Some(file?.to_string_lossy().into_owned())
    }

    /// Whether there is a file of that name, be it a link that leads nowhere.
    fn is_there(&self, path: &str) -> bool {
        self.root.join(path).symlink_metadata().is_ok()
    }

    /// Whether an imported file is still what its original is, so that nothing is lost with it.
    fn is_copy(&self, step: &Step) -> bool {
        let content = |path: PathBuf| fs::read(path).map(|bytes| blake3::hash(&bytes)).ok();
        let original = content(step.source.clone().into());
        original.is_some() && original == content(self.root.join(&step.target))
    }

    /// Copies a file from outside, so that it is there whole or not at all.
    fn copy(&self, step: &Step) -> Result<(), DataError> {
        if self.is_there(&step.target) {
            return Ok(());
        }
        let half = format!("{OWN}/{HALF}{}-{}", step.number, std::process::id());
        let path = self.root.join(&half);
        let copied = fs::copy(&step.source, &path)
            .map_err(DataError::io("cannot be copied", &step.source))
            .and_then(|_| self.carry(&half, &step.target));
        if copied.is_err() {
            // The error to tell is that of copying.
            let _ = fs::remove_file(&path);
        }
        copied
    }

    /// Moves a file to a name that no other has. That it has been moved already is well.
    fn carry(&self, from: &str, to: &str) -> Result<(), DataError> {
        let (from, to) = (self.root.join(from), self.root.join(to));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(DataError::io("cannot be made", folder))?;
        }
        let moved =
            renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE).map_err(io::Error::from);
        match moved {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && to.symlink_metadata().is_ok() =>
            {
                Ok(())
            }
            moved => moved.map_err(DataError::io("cannot be moved to its new name", from)),
        }
    }
}

impl Step {
    /// Whether it copies a file from outside of the warehouse.
    fn is_import(&self) -> bool {
        Path::new(&self.source).is_absolute()
    }

    /// Whether it is the second half of a move, after a name has become free.
    fn goes_on(&self) -> bool {
        self.source.starts_with(WAITING)
    }

    /// From where to where a file goes. What came from outside does not go back there: its original has stayed.
    fn ends(&self, way: Way) -> (String, String) {
        let source = if self.is_import() {
            format!("{OWN}/aside/{}/{}", self.change, self.target)
        } else {
            self.source.clone()
        };
        match way {
            Way::There => (source, self.target.clone()),
            Way::Back => (self.target.clone(), source),
        }
    }
}

/// Whether a path leads into the hidden folder of the warehouse.
fn is_own(path: &str) -> bool {
    Path::new(path).starts_with(OWN)
}

/// The moves of a plan as steps that never meet a name that is still taken: a file whose new name another one of the
/// plan leaves waits under a name of its own until all have left.
fn in_order(moves: &[(String, String)], change: i64) -> Vec<(String, String)> {
    let leaving: HashSet<&str> = moves.iter().map(|(from, _)| from.as_str()).collect();
    let (mut first, mut last) = (Vec::with_capacity(moves.len()), Vec::new());
    for (number, (from, to)) in moves.iter().enumerate() {
        let to = match to.strip_prefix(ASIDE) {
            Some(path) => format!("{OWN}/aside/{change}/{path}"),
            None => to.clone(),
        };
        if !leaving.contains(to.as_str()) {
            first.push((from.clone(), to));
        } else if Path::new(from).is_absolute() {
            last.push((from.clone(), to));
        } else {
            let waiting = format!("{WAITING}{change}-{number}");
            first.push((from.clone(), waiting.clone()));
            last.push((waiting, to));
        }
    }
    first.append(&mut last);
    first
}
