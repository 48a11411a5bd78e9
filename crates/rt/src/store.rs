//! The variables that live from one cell to the next.
//!
//! A cell takes the variables it mentions out of the store by value, and puts them back when it ends, also
//! when it ends in a panic. Its new variables wait beside the store until it has ended, and take their names'
//! places only if it has run to its end: the kernel and the store must agree on which variable a name stands for,
//! because the store itself does not know types. The compiler told the kernel the type of each variable, and the
//! kernel writes that type into the cell that takes it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::checkpoint::cell_of_this_thread;

/// One variable.
pub(crate) struct Slot {
    value: NonNull<u8>,
    layout: Layout,
    drop: Drop,
    brief: Brief,
    /// The cell that has taken the value, if one has.
    taken_by: Option<u64>,
}

/// Drops the value behind the pointer.
type Drop = unsafe fn(NonNull<u8>);

/// Writes a short form of the value behind the pointer.
pub type Brief = unsafe fn(NonNull<u8>) -> String;

// SAFETY: values are read and dropped on the cell thread only (see `worker`); the map itself may be looked
// at from elsewhere, and only names are.
unsafe impl Send for Slot {}

impl std::ops::Drop for Slot {
    fn drop(&mut self) {
        if self.taken_by.is_none() {
            // SAFETY: the value is in its place (nobody has taken it) and `drop` was made for its type.
            unsafe { (self.drop)(self.value) };
        }
        if self.layout.size() > 0 {
            // SAFETY: `put` allocated this with the same layout.
            unsafe { dealloc(self.value.as_ptr(), self.layout) };
        }
    }
}

struct Store {
    slots: BTreeMap<String, Slot>,
    /// New variables of cells that have not ended yet.
    waiting: Vec<Waiting>,
}

/// A new variable, until its cell has ended.
struct Waiting {
    cell: u64,
    name: String,
    slot: Slot,
}

static STORE: Mutex<Store> = Mutex::new(Store {
    slots: BTreeMap::new(),
    waiting: Vec::new(),
});

fn store() -> MutexGuard<'static, Store> {
    STORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says in the compiler's own listing which type variable number `I` of a cell has.
pub struct Kept<const I: usize, T>(PhantomData<T>);

/// Keeps a new variable, if its cell runs to its end. The `'static` bound is what finds borrows, which cannot outlive their cell.
///
/// As little as can be depends on the number and the type, because that part is compiled anew with every cell.
/// Not inlined, or the listing would not name the type.
#[inline(never)]
pub fn put<const I: usize, T: 'static>(name: &str, value: T, brief: Brief) -> Kept<I, T> {
    insert_value(name, value, brief);
    Kept(PhantomData)
}

/// Not inlined, so that what the course has instantiated for common types serves every cell.
#[inline(never)]
pub(crate) fn insert_value<T: 'static>(name: &str, value: T, brief: Brief) {
    let mut value = ManuallyDrop::new(value);
    // SAFETY: the bytes are a T's, are moved out here, and `drop_value` is for T.
    unsafe {
        insert(
            name,
            NonNull::from(&mut value).cast(),
            Layout::new::<T>(),
            drop_value::<T>,
            brief,
        )
    };
}

/// # Safety
/// `value` points to a value of the type that `layout`, `drop` and `brief` are for, and gives it up.
#[inline(never)]
unsafe fn insert(name: &str, value: NonNull<u8>, layout: Layout, drop: Drop, brief: Brief) {
    let place = allocate(layout);
    // SAFETY: the place is fresh and has the value's layout.
    unsafe { place.copy_from_nonoverlapping(value, layout.size()) };
    let slot = Slot {
        value: place,
        layout,
        drop,
        brief,
        taken_by: None,
    };
    store().waiting.push(Waiting {
        cell: cell_of_this_thread().unwrap_or_default(),
        name: name.to_string(),
        slot,
    });
}

fn allocate(layout: Layout) -> NonNull<u8> {
    if layout.size() == 0 {
        return layout.dangling_ptr();
    }
    // SAFETY: the size is not zero.
    NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}

#[inline(never)]
unsafe fn drop_value<T>(value: NonNull<u8>) {
    // SAFETY: the caller has a T there that nobody will use again.
    unsafe { value.cast::<T>().drop_in_place() }
}

/// Takes a variable out.
///
/// # Safety
/// `T` is the type the variable was kept with.
///
/// # Panics
/// When it is not there, or cannot be of this type; the kernel asks only for what is.
pub unsafe fn take<T>(name: &str) -> T {
    // SAFETY: the value behind the pointer is of this type by the caller's word, and marked as taken.
    unsafe { mark_taken(name, Layout::new::<T>()).cast::<T>().read() }
}

#[inline(never)]
fn mark_taken(name: &str, wanted: Layout) -> NonNull<u8> {
    let mut store = store();
    let trouble = match store.slots.get_mut(name) {
        Some(slot) if slot.taken_by.is_some() => {
            "is held by an interrupted cell that has not ended yet"
        }
        // The last line of defence: a type that has changed unnoticed would be read from foreign memory.
        Some(slot) if slot.layout != wanted => {
            "is of a type that has changed since: run the cell that makes it again"
        }
        Some(slot) => {
            slot.taken_by = Some(cell_of_this_thread().unwrap_or_default());
            return slot.value;
        }
        None => "is not there: run the cell that makes it again",
    };
    drop(store);
    panic!("variable `{name}` {trouble}")
}

/// Puts a variable back where it was taken from.
pub fn put_back<T>(name: &str, value: T) {
    // A place that is gone means that a later cell has redefined the variable: the old value ends here.
    if let Some(place) = mark_returned(name) {
        // SAFETY: this cell took a T from this place, which has been empty since.
        unsafe { place.cast::<T>().write(value) };
    }
}

#[inline(never)]
fn mark_returned(name: &str) -> Option<NonNull<u8>> {
    let this_cell = cell_of_this_thread().unwrap_or_default();
    let mut store = store();
    let slot = store
        .slots
        .get_mut(name)
        .filter(|slot| slot.taken_by == Some(this_cell))?;
    slot.taken_by = None;
    Some(slot.value)
}

/// Takes in that `cell` has ended: what it took and did not put back was moved, and its new variables take their
/// places. Returns the variables in place, and what those have replaced.
///
/// What this and the next two functions return is to be dropped on the cell thread, without a lock: destructors are
/// the learner's code and may do anything.
pub(crate) fn settle(cell: u64) -> (Vec<String>, Vec<Slot>) {
    let mut store = store();
    store.slots.retain(|_, slot| slot.taken_by != Some(cell));
    let new: Vec<Waiting> = store
        .waiting
        .extract_if(.., |waiting| waiting.cell == cell)
        .collect();
    let replaced = new
        .into_iter()
        .filter_map(|new| store.slots.insert(new.name, new.slot))
        .collect();
    (names_in_place(&store), replaced)
}

/// Takes the new variables of a cell that has failed out.
pub(crate) fn discard(cell: u64) -> Vec<Slot> {
    store()
        .waiting
        .extract_if(.., |waiting| waiting.cell == cell)
        .map(|waiting| waiting.slot)
        .collect()
}

/// Takes variables out that nobody will ask for any more.
pub(crate) fn remove(names: &[String]) -> Vec<Slot> {
    let mut store = store();
    names
        .iter()
        .filter_map(|name| store.slots.remove(name))
        .collect()
}

/// The variables that no cell holds.
pub(crate) fn available() -> Vec<String> {
    names_in_place(&store())
}

fn names_in_place(store: &Store) -> Vec<String> {
    store
        .slots
        .iter()
        .filter(|(_, slot)| slot.taken_by.is_none())
        .map(|(name, _)| name.clone())
        .collect()
}

/// Name and short value of every variable, on the cell thread.
pub(crate) fn describe() -> Vec<(String, String)> {
    // Taken under the lock, written without it: `Debug` is the learner's code.
    let slots: Vec<_> = store()
        .slots
        .iter()
        .map(|(name, slot)| (name.clone(), slot.value, slot.brief, slot.taken_by))
        .collect();
    slots
        .into_iter()
        .map(|(name, value, brief, taken_by)| match taken_by {
            // SAFETY: the value is in its place, only this thread could take it, and `brief` was made for its type.
            None => (name, unsafe { brief(value) }),
            Some(_) => (name, "(held by an interrupted cell)".to_string()),
        })
        .collect()
}

/// Short forms for `:vars`: `Debug` where there is one, else nothing.
pub mod brief {
    use super::Brief;
    use std::fmt::{Debug, Write};
    use std::marker::PhantomData;
    use std::ptr::NonNull;

    /// How much of a value is worth a line, in bytes.
    const LENGTH: usize = 80;

    /// A type, without a value of it.
    pub struct Of<T>(PhantomData<T>);

    /// The type of a value that is only looked at.
    pub fn of<T>(_: &T) -> Of<T> {
        Of(PhantomData)
    }

    /// For types with `Debug`.
    pub trait WithDebug {
        /// Writes the value on one line, cut to a readable length.
        fn brief(&self) -> Brief;
    }
    impl<T: Debug> WithDebug for &Of<T> {
        fn brief(&self) -> Brief {
            write_debug::<T>
        }
    }

    /// For all others.
    pub trait WithoutDebug {
        /// Writes nothing.
        fn brief(&self) -> Brief;
    }
    impl<T> WithoutDebug for Of<T> {
        fn brief(&self) -> Brief {
            |_| String::new()
        }
    }

    #[inline(never)]
    unsafe fn write_debug<T: Debug>(value: NonNull<u8>) -> String {
        // SAFETY: the caller has a T there.
        let value: &T = unsafe { value.cast().as_ref() };
        on_one_line(&value)
    }

    #[inline(never)]
    fn on_one_line(value: &dyn Debug) -> String {
        let mut out = Short(String::new());
        // An error only means that the line is full.
        let _ = write!(out, "{value:?}");
        out.0
    }

    /// Takes one line of text and refuses more, so that a vector of a million costs no more than one of ten.
    struct Short(String);

    impl Write for Short {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            for c in text.chars() {
                if self.0.len() >= LENGTH {
                    self.0.push('…');
                    return Err(std::fmt::Error);
                }
                self.0.push(if c.is_control() { ' ' } else { c });
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::enter;
    use std::panic::catch_unwind;
    use std::rc::Rc;

    macro_rules! keep {
        ($index:literal, $name:literal, $variable:ident) => {{
            #[allow(unused_imports)]
            use super::brief::{WithDebug as _, WithoutDebug as _};
            let brief = (&&brief::of(&$variable)).brief();
            put::<$index, _>($name, $variable, brief);
        }};
    }

    // The store is one a process, as in a worker, so the tests use names and cells of their own.

    #[test]
    fn a_variable_goes_round_and_is_dropped_once() {
        enter(101);
        let witness = Rc::new(());
        let variable = Rc::clone(&witness);
        keep!(0, "round", variable);
        settle(101);
        // SAFETY: the type is the one above.
        let taken: Rc<()> = unsafe { take("round") };
        put_back("round", taken);
        assert_eq!(Rc::strong_count(&witness), 2);
        drop(remove(&["round".into()]));
        assert_eq!(Rc::strong_count(&witness), 1);
    }

    #[test]
    fn a_new_value_replaces_the_old_one() {
        enter(102);
        let witness = Rc::new(());
        let variable = Rc::clone(&witness);
        keep!(0, "replaced", variable);
        settle(102);
        let variable = [1_u8; 3];
        keep!(1, "replaced", variable);
        let (_, replaced) = settle(102);
        assert_eq!(Rc::strong_count(&witness), 2);
        drop(replaced);
        assert_eq!(Rc::strong_count(&witness), 1);
        // SAFETY: the type is the one above.
        assert_eq!(unsafe { take::<[u8; 3]>("replaced") }, [1; 3]);
    }

    #[test]
    fn what_a_failed_cell_made_leaves_the_old_value_in_place() {
        enter(103);
        let variable = 7;
        keep!(0, "old", variable);
        settle(103);
        enter(104);
        // SAFETY: the type is the one above.
        let taken: i32 = unsafe { take("old") };
        let witness = Rc::new(());
        let variable = Rc::clone(&witness);
        keep!(0, "old", variable);
        put_back("old", taken);
        drop(discard(104));
        assert_eq!(Rc::strong_count(&witness), 1);
        let (names, replaced) = settle(104);
        assert!(names.contains(&"old".to_string()) && replaced.is_empty());
        // SAFETY: the type is the one above.
        assert_eq!(unsafe { take::<i32>("old") }, 7);
    }

    #[test]
    fn a_value_is_not_read_as_a_larger_one() {
        enter(105);
        let variable = 7_u8;
        keep!(0, "small", variable);
        settle(105);
        // SAFETY: it refuses.
        assert!(catch_unwind(|| unsafe { take::<String>("small") }).is_err());
        // SAFETY: the type is the one above.
        assert_eq!(unsafe { take::<u8>("small") }, 7);
    }

    #[test]
    fn a_long_value_is_cut() {
        enter(106);
        let variable = vec![7; 1000];
        keep!(0, "long", variable);
        settle(106);
        let (_, text) = describe()
            .into_iter()
            .find(|(name, _)| name == "long")
            .unwrap();
        assert!(
            text.starts_with("[7, 7,") && text.ends_with('…') && text.len() < 90,
            "{text}"
        );
    }

    #[test]
    fn zero_sized_values_need_no_memory() {
        enter(107);
        let variable = ();
        keep!(0, "nothing", variable);
        settle(107);
        // SAFETY: the type is the one above.
        unsafe { take::<()>("nothing") };
    }
}
