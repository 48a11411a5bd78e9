//! What was executed, kept across sessions for the arrow keys and the history requests.
//!
//! All kernels share one SQLite file in the cache folder. A history that cannot be written must not stop a cell:
//! it is kept in memory then, for this session.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde_json::{Value, json};

use super::message::HistoryQuery;

/// How many inputs are kept, of all sessions together.
const KEPT: i64 = 20_000;

/// How many may be kept beyond that before the oldest are let go.
const SURPLUS: i64 = 500;

/// The longest input that is kept, in bytes: longer ones are data.
const LONGEST: usize = 1 << 16;

/// How long another kernel's writing is waited for.
const PATIENCE: Duration = Duration::from_millis(500);

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS sessions (
        session INTEGER PRIMARY KEY AUTOINCREMENT, start TEXT DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE IF NOT EXISTS inputs (
        number INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL, line INTEGER NOT NULL,
        source TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS inputs_by_session ON inputs (session, line);
";

/// The inputs of this kernel and of those before it.
pub(super) struct History {
    database: Connection,
    /// This session's number; there is none before its first input.
    session: Option<i64>,
}

impl History {
    /// Opens the history in a file.
    pub(super) fn open(file: &Path) -> Self {
        if let Some(folder) = file.parent() {
            // When it cannot be made, opening the file fails and says so.
            let _ = std::fs::create_dir_all(folder);
        }
        let opened = Connection::open(file).and_then(Self::with);
        opened.unwrap_or_else(|error| {
            tracing::warn!(%error, "the history of this session will not be kept");
            Self::in_memory()
        })
    }

    /// A history for this session alone.
    fn in_memory() -> Self {
        // Only a machine without memory has none for an empty database.
        match Connection::open_in_memory().and_then(Self::with) {
            Ok(history) => history,
            Err(error) => unreachable!("an empty database in memory: {error}"),
        }
    }

    fn with(database: Connection) -> Result<Self> {
        database.busy_timeout(PATIENCE)?;
        database.execute_batch(SCHEMA)?;
        Ok(Self {
            database,
            session: None,
        })
    }

    /// Takes one input.
    pub(super) fn push(&mut self, line: usize, code: &str) {
        if code.len() > LONGEST {
            return;
        }
        if let Err(error) = self.insert(line, code) {
            tracing::warn!(%error, "an input is missing in the history");
        }
    }

    fn insert(&mut self, line: usize, code: &str) -> Result<()> {
        let database = &self.database;
        let session = match self.session {
            Some(session) => session,
            None => {
                database.execute("INSERT INTO sessions DEFAULT VALUES", [])?;
                *self.session.insert(database.last_insert_rowid())
            }
        };
        let mut insert = database
            .prepare_cached("INSERT INTO inputs (session, line, source) VALUES (?, ?, ?)")?;
        insert.execute(params![session, line as i64, code])?;
        let newest = database.last_insert_rowid();
        let oldest: Option<i64> = database
            .prepare_cached("SELECT min(number) FROM inputs")?
            .query_row([], |row| row.get(0))
            .optional()?
            .flatten();
        if oldest.is_some_and(|oldest| newest - oldest > KEPT + SURPLUS) {
            database.execute("DELETE FROM inputs WHERE number <= ?", [newest - KEPT])?;
        }
        Ok(())
    }

    /// The entries asked for, oldest first: `[session, line, input]`, or with outputs, which are
    /// not kept, `[session, line, [input, null]]`.
    pub(super) fn query(&self, query: &HistoryQuery) -> Vec<Value> {
        let found = match query.hist_access_type.as_str() {
            "tail" => self.search("*", false, query.n),
            "range" => self.range(query),
            "search" => self.search(
                query.pattern.as_deref().unwrap_or("*"),
                query.unique,
                query.n,
            ),
            _ => Ok(Vec::new()),
        };
        let found = found.unwrap_or_else(|error| {
            tracing::warn!(%error, "the history cannot be read");
            Vec::new()
        });
        let entry = |(session, line, source): Input| match query.output {
            true => json!([session, line, [source, null]]),
            false => json!([session, line, source]),
        };
        found.into_iter().map(entry).collect()
    }

    /// Lines `start..stop` of a session: 0 is this one, -1 the one before it.
    fn range(&self, query: &HistoryQuery) -> Result<Vec<Input>> {
        let session = match query.session {
            0 => self.session,
            back @ ..0 => self
                .database
                .prepare_cached(
                    "SELECT DISTINCT session FROM inputs WHERE session < ? ORDER BY session DESC LIMIT 1 OFFSET ?",
                )?
                .query_row(params![self.session.unwrap_or(i64::MAX), -1 - back], |row| row.get(0))
                .optional()?,
            number => Some(number),
        };
        self.database
            .prepare_cached(
                "SELECT session, line, source FROM inputs WHERE session = ? AND line >= ? AND line < ? ORDER BY number",
            )?
            .query_map(
                params![session, query.start, query.stop.unwrap_or(i64::MAX)],
                input,
            )?
            .collect()
    }

    /// The last `n` inputs that fit a pattern with `*` and `?`; with `unique`, of equal ones the latest. Those of
    /// this session count as later than all others, also when other kernels run beside it.
    fn search(&self, pattern: &str, unique: bool, n: Option<usize>) -> Result<Vec<Input>> {
        let all = "SELECT session, line, source, session = ?3 AS own, number FROM inputs WHERE source GLOB ?1";
        let once = "SELECT session, line, source, max(session = ?3) AS own, max(number) AS number FROM inputs \
                    WHERE source GLOB ?1 GROUP BY source";
        let sql = format!(
            "SELECT session, line, source FROM ({}) ORDER BY own DESC, number DESC LIMIT ?2",
            if unique { once } else { all }
        );
        let limit = n.map_or(-1, |n| n as i64);
        let mut found: Vec<Input> = self
            .database
            .prepare_cached(&sql)?
            .query_map(params![pattern, limit, self.session.unwrap_or(-1)], input)?
            .collect::<Result<_>>()?;
        found.reverse();
        Ok(found)
    }
}

/// Session, line, source.
type Input = (i64, i64, String);

fn input(row: &Row<'_>) -> Result<Input> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(mut history: History) -> History {
        for (line, code) in ["let a = 1;", "a + 1", "let b = 2;", "a + 1"]
            .iter()
            .enumerate()
        {
            history.push(line + 1, code);
        }
        history
    }

    fn lines_of(history: &History, query: Value) -> Vec<u64> {
        let query: HistoryQuery = serde_json::from_value(query).unwrap();
        let found = history.query(&query);
        found
            .iter()
            .map(|entry| entry[1].as_u64().unwrap())
            .collect()
    }

    fn lines(query: Value) -> Vec<u64> {
        lines_of(&filled(History::in_memory()), query)
    }

    #[test]
    fn the_tail_is_the_last_n() {
        assert_eq!(lines(json!({"hist_access_type": "tail", "n": 2})), [3, 4]);
        assert_eq!(
            lines(json!({"hist_access_type": "tail", "n": 99})),
            [1, 2, 3, 4]
        );
    }

    #[test]
    fn a_range_ends_before_its_stop() {
        let range = |session, start, stop| json!({"hist_access_type": "range", "session": session, "start": start, "stop": stop});
        assert_eq!(lines(range(0, 2, Some(4))), [2, 3]);
        assert_eq!(lines(range(1, 0, None)), [1, 2, 3, 4]);
        assert!(lines(range(7, 0, None)).is_empty());
    }

    #[test]
    fn a_search_takes_patterns_and_drops_repeats() {
        let search = |pattern, unique| json!({"hist_access_type": "search", "pattern": pattern, "unique": unique, "n": 9});
        assert_eq!(lines(search("let*", false)), [1, 3]);
        assert_eq!(lines(search("a + ?", false)), [2, 4]);
        assert_eq!(lines(search("a + ?", true)), [4]);
        assert_eq!(lines(search("*b*;", true)), [3]);
        assert!(lines(search("let", false)).is_empty());
    }

    #[test]
    fn outputs_are_honestly_absent() {
        let query = json!({"hist_access_type": "tail", "n": 1, "output": true});
        let found = filled(History::in_memory()).query(&serde_json::from_value(query).unwrap());
        assert_eq!(found, [json!([1, 4, ["a + 1", null]])]);
    }

    #[test]
    fn sessions_before_are_remembered_and_own_inputs_come_last() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/history.sqlite");
        drop(filled(History::open(&file)));
        let mut own = History::open(&file);
        own.push(1, "mine");
        let mut other = History::open(&file);
        other.push(1, "another kernel's");
        let tail: HistoryQuery =
            serde_json::from_value(json!({"hist_access_type": "tail", "n": 3})).unwrap();
        assert_eq!(
            own.query(&tail),
            [
                json!([1, 4, "a + 1"]),
                json!([3, 1, "another kernel's"]),
                json!([2, 1, "mine"])
            ]
        );
        let before = json!({"hist_access_type": "range", "session": -1, "start": 3, "stop": null});
        assert_eq!(lines_of(&own, before), [3, 4]);
    }

    #[test]
    fn the_oldest_are_let_go() {
        let mut history = History::in_memory();
        let total = KEPT + SURPLUS + 2;
        for line in 1..=total {
            history.push(line as usize, "x");
        }
        let left = lines_of(&history, json!({"hist_access_type": "tail"}));
        assert_eq!(
            (left.len() as i64, left.last()),
            (KEPT, Some(&(total as u64)))
        );
    }

    #[test]
    fn without_a_file_there_is_still_a_history() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let inside_a_file = file.path().join("history.sqlite");
        assert_eq!(
            lines_of(
                &filled(History::open(&inside_a_file)),
                json!({"hist_access_type": "tail"})
            )
            .len(),
            4
        );
    }
}
