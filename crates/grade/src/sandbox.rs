//! What a process may do while it grades, put into force by the process itself.
//!
//! Two processes work on a submission. The outer one compiles (`rustc` reads whatever `include_str!` names)
//! and keeps the results; the inner one, started by it, runs the learner's code and is confined further.
//! Linux has four means, and each is used as far as the machine has it:
//!
//! | means | what it is used for |
//! |---|---|
//! | Landlock | files: the submission's folder, the data, the libraries, nothing else; no TCP; no signals to others |
//! | seccomp | no sockets; in the inner process no new processes, no signals, no changes of owners, modes or limits |
//! | rlimits | memory, the size of a file, open files, processor time |
//! | parent's death | whoever started it being gone, it goes too |
//!
//! What is in force is returned and belongs into the report.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a process is left with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files and folders that it may read.
    pub read: Vec<PathBuf>,
    /// Folders whose files it may read if it knows their names: it cannot list them.
    pub read_by_name: Vec<PathBuf>,
    /// Files and folders that it may read and change.
    pub write: Vec<PathBuf>,
    /// Files and folders that it may run programs from. With none, it starts no process at all.
    pub execute: Vec<PathBuf>,
    /// The most memory of its own, in bytes.
    pub memory: Option<u64>,
    /// The largest file it may write, in bytes.
    pub file_size: Option<u64>,
    /// The most processor time, in seconds, of all its threads together.
    pub cpu_seconds: Option<u64>,
}

/// One means and how far it is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// `landlock`, `seccomp`, `rlimits`, `parent's death`.
    pub means: String,
    /// Whether it is in force, all of it.
    pub is_full: bool,
    /// What it keeps out, or why it is not there.
    pub text: String,
    /// Whether this machine does not have it at all, for any process.
    #[serde(skip)]
    pub is_absent: bool,
}

/// Why a means is not in force.
#[derive(Debug)]
enum Without {
    /// The machine does not have it.
    Absent(String),
    /// It should have worked.
    Failed(String),
}

impl From<String> for Without {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl InForce {
    fn new(means: &str, result: Result<String, Without>) -> Self {
        let (is_full, is_absent, text) = match result {
            Ok(text) => (true, false, text),
            Err(Without::Absent(reason)) => (false, true, reason),
            Err(Without::Failed(reason)) => (false, false, reason),
        };
        Self {
            means: means.into(),
            is_full,
            text,
            is_absent,
        }
    }
}

/// What should be in force and is not, in one line: a process that runs the code of others must not go on then.
/// What the machine does not have at all is in the report, and no reason to stop.
pub fn failed(in_force: &[InForce]) -> Option<String> {
    let failed: Vec<String> = in_force
        .iter()
        .filter(|means| !means.is_full && !means.is_absent)
        .map(|means| format!("{}: {}", means.means, means.text))
        .collect();
    (!failed.is_empty()).then(|| failed.join("; "))
}

impl Confinement {
    /// Confines this process and all it will start, for good. To be called while it has one thread.
    #[cfg(target_os = "linux")]
    pub fn enter(&self) -> Vec<InForce> {
        // Landlock and seccomp come last: they forbid what the others need.
        vec![
            InForce::new("parent's death", linux::die_with_parent()),
            InForce::new("rlimits", linux::limit(self)),
            InForce::new("landlock", linux::landlock(self)),
            InForce::new("seccomp", linux::seccomp(self)),
        ]
    }

    /// Confines this process, which this platform has no means for.
    #[cfg(not(target_os = "linux"))]
    pub fn enter(&self) -> Vec<InForce> {
        let nothing = "only Linux has the means: grade on Linux what you do not trust";
        vec![InForce::new(
            "sandbox",
            Err(Without::Absent(nothing.into())),
        )]
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
    };
    use rustix::process::{Resource, Rlimit, Signal};
    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    use super::{Confinement, Without};

    /// The newest version that is asked for; what an older kernel lacks is left out and said.
    const NEWEST: ABI = ABI::V6;

    /// What programs in general need of a system.
    const SYSTEM: [&str; 12] = [
        "/lib",
        "/lib32",
        "/lib64",
        "/usr/lib",
        "/usr/lib32",
        "/usr/lib64",
        "/usr/share/zoneinfo",
        "/etc/ld.so.cache",
        "/etc/localtime",
        "/proc",
        "/sys/devices/system/cpu",
        "/dev/urandom",
    ];

    pub(super) fn die_with_parent() -> Result<String, Without> {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .map(|()| "ends when the grader ends".into())
            .map_err(|error| Without::Failed(error.to_string()))
    }

    pub(super) fn limit(confinement: &Confinement) -> Result<String, Without> {
        let mut said = Vec::new();
        let mut set = |resource, most: Option<u64>, what: &str| {
            let Some(most) = most else {
                return Ok(());
            };
            // Whoever started the grader may have set a lower limit, which nobody can raise again.
            let highest = rustix::process::getrlimit(resource).maximum;
            let most = highest.map_or(most, |highest| highest.min(most));
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            said.push(what.to_owned());
            rustix::process::setrlimit(resource, limit)
                .map_err(|error| Without::Failed(format!("{what}: {error}")))
        };
        set(Resource::Data, confinement.memory, "memory")?;
        set(Resource::Fsize, confinement.file_size, "file size")?;
        set(Resource::Cpu, confinement.cpu_seconds, "processor time")?;
        set(Resource::Nofile, Some(1024), "open files")?;
        set(Resource::Core, Some(0), "core dumps")?;
        Ok(said.join(", "))
    }

    pub(super) fn landlock(confinement: &Confinement) -> Result<String, Without> {
        let status = rules(confinement).map_err(|error| error.to_string())?;
        match status {
            RulesetStatus::FullyEnforced => Ok("files, TCP, signals to other processes".into()),
            RulesetStatus::PartiallyEnforced => {
                Ok("files; this kernel is too old for the rest of it".into())
            }
            RulesetStatus::NotEnforced => Err(Without::Absent(
                "this kernel has no Landlock: files are open".into(),
            )),
        }
    }

    fn rules(confinement: &Confinement) -> Result<RulesetStatus, landlock::RulesetError> {
        let read = AccessFs::from_read(NEWEST) & !AccessFs::Execute;
        let write = AccessFs::from_all(NEWEST) & !AccessFs::Execute;
        let by_name = AccessFs::ReadFile;
        let devices = ["/dev/null", "/dev/zero", "/dev/full"];
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()?
            .add_rules(path_beneath_rules(SYSTEM, read))?
            .add_rules(path_beneath_rules(
                devices,
                AccessFs::ReadFile | AccessFs::WriteFile,
            ))?
            .add_rules(path_beneath_rules(&confinement.read, read))?
            .add_rules(path_beneath_rules(&confinement.read_by_name, by_name))?
            .add_rules(path_beneath_rules(&confinement.write, write))?
            .add_rules(path_beneath_rules(
                &confinement.execute,
                AccessFs::from_read(NEWEST),
            ))?;
        Ok(ruleset.restrict_self()?.ruleset)
    }

    pub(super) fn seccomp(confinement: &Confinement) -> Result<String, Without> {
        // A kernel that knows filters says so of every process.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let is_known = status.is_empty() || status.contains("Seccomp:");
        filters(confinement).map_err(|reason| match is_known {
            true => Without::Failed(reason),
            false => Without::Absent(reason),
        })
    }

    fn filters(confinement: &Confinement) -> Result<String, String> {
        let eperm = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let mut refused: Rules = EVERYWHERE.iter().map(|call| (*call, Vec::new())).collect();
        let mut said = "network, debugging; where cells run also new processes, signals, changed limits, owners and modes";
        if confinement.execute.is_empty() {
            refused.extend(INSIDE.iter().map(|call| (*call, Vec::new())));
            refused.extend(with_conditions()?);
            said = "network, new processes, signals, changed limits, owners and modes";
            // The library falls back to `clone`, whose flags can be looked at.
            let enosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
            install([(libc::SYS_clone3, Vec::new())].into(), enosys)?;
            // Copying a file sets its mode: that may go on, without effect.
            let ignored = MODES.iter().map(|call| (*call, Vec::new())).collect();
            install(ignored, SeccompAction::Errno(0))?;
        }
        install(refused, eperm)?;
        Ok(said.into())
    }

    type Rules = BTreeMap<i64, Vec<SeccompRule>>;

    /// Calls that neither process has a use for.
    const EVERYWHERE: [i64; 16] = [
        libc::SYS_socket,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_keyctl,
        libc::SYS_add_key,
    ];

    /// Calls that the inner process has no use for.
    const INSIDE: [i64; 17] = [
        libc::SYS_execve,
        libc::SYS_execveat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_fork,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_vfork,
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_pidfd_open,
        libc::SYS_pidfd_send_signal,
        libc::SYS_setrlimit,
        libc::SYS_setpriority,
        libc::SYS_sched_setaffinity,
        libc::SYS_fchownat,
        libc::SYS_fchown,
        libc::SYS_setxattr,
        libc::SYS_shmget,
        libc::SYS_memfd_create,
        libc::SYS_mlock,
        #[cfg(not(target_arch = "x86_64"))]
        libc::SYS_mlockall,
        #[cfg(not(target_arch = "x86_64"))]
        libc::SYS_msgget,
    ];

    const MODES: &[i64] = &[
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
    ];

    /// Calls that are refused for some of their arguments.
    fn with_conditions() -> Result<Rules, String> {
        let when = |argument, operation, value: u64| {
            let condition =
                SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operation, value);
            let rule = condition.and_then(|condition| SeccompRule::new(vec![condition]));
            rule.map(|rule| vec![rule])
                .map_err(|error| error.to_string())
        };
        let threads = u64::try_from(libc::CLONE_THREAD).unwrap_or_default();
        let own = u64::from(std::process::id());
        let death_signal = u64::try_from(libc::PR_SET_PDEATHSIG).unwrap_or_default();
        Ok([
            // Threads, but no processes.
            (
                libc::SYS_clone,
                when(0, SeccompCmpOp::MaskedEq(threads), 0)?,
            ),
            // `abort` signals its own thread.
            (libc::SYS_tgkill, when(0, SeccompCmpOp::Ne, own)?),
            // Limits may be read.
            (libc::SYS_prlimit64, when(2, SeccompCmpOp::Ne, 0)?),
            (libc::SYS_prctl, when(0, SeccompCmpOp::Eq, death_signal)?),
        ]
        .into())
    }

    fn install(rules: Rules, action: SeccompAction) -> Result<(), String> {
        let arch = std::env::consts::ARCH
            .try_into()
            .map_err(|_| "no seccomp filters for this processor".to_owned())?;
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch);
        let filter = filter.and_then(seccompiler::BpfProgram::try_from);
        let filter = filter.map_err(|error| error.to_string())?;
        seccompiler::apply_filter(&filter).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_told_from_what_is_not_there() {
        let full = InForce::new("rlimits", Ok("memory".into()));
        let absent = InForce::new("landlock", Err(Without::Absent("an old kernel".into())));
        let broken = InForce::new("seccomp", Err(Without::Failed("refused".into())));
        assert_eq!(failed(&[full.clone(), absent.clone()]), None);
        assert_eq!(
            failed(&[full, absent, broken]).as_deref(),
            Some("seccomp: refused")
        );
    }
}
