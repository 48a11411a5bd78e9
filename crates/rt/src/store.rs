//! The variables that live from one cell to the next.
//!
//! A cell takes the variables it mentions out of the store by value, and puts them back when it ends, also
//! when it ends in a panic. The store itself does not know types: the compiler told the kernel the type of
//! each variable, and the kernel writes that type into the cell that takes it.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::checkpoint::cell_of_this_thread;
use crate::worker::is_abandoned;

/// One variable.
struct Slot {
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

static STORE: Mutex<BTreeMap<String, Slot>> = Mutex::new(BTreeMap::new());

fn store() -> MutexGuard<'static, BTreeMap<String, Slot>> {
    STORE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says in the compiler's own listing which type variable number `I` of a cell has.
pub struct Kept<const I: usize, T>(PhantomData<T>);

/// Keeps a new variable. The `'static` bound is what finds borrows, which cannot outlive their cell.
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
    if cell_of_this_thread().is_some_and(is_abandoned) {
        // SAFETY: the caller gave the value up. Nobody can ask for it any more.
        unsafe { drop(value) };
        return;
    }
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
    let before = store().insert(name.to_string(), slot);
    // Dropped here, with the store unlocked: destructors are the learner's code and may do anything.
    std::mem::drop(before);
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
/// When it is not there; the kernel asks only for what is.
pub unsafe fn take<T>(name: &str) -> T {
    // SAFETY: the value behind the pointer is of this type by the caller's word, and marked as taken.
    unsafe { mark_taken(name).cast::<T>().read() }
}

#[inline(never)]
fn mark_taken(name: &str) -> NonNull<u8> {
    let mut store = store();
    match store.get_mut(name) {
        Some(slot) if slot.taken_by.is_none() => {
            slot.taken_by = Some(cell_of_this_thread().unwrap_or_default());
            slot.value
        }
        _ => {
            drop(store);
            panic!("variable `{name}` is held by an interrupted cell that has not ended yet")
        }
    }
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
        .get_mut(name)
        .filter(|slot| slot.taken_by == Some(this_cell))?;
    slot.taken_by = None;
    Some(slot.value)
}

/// Forgets what `cell` took and did not put back: it was moved. Returns what was put back or kept.
pub(crate) fn settle(cell: u64) -> Vec<String> {
    let mut store = store();
    store.retain(|_, slot| slot.taken_by != Some(cell));
    names_in_place(&store)
}

/// The variables that no cell holds.
pub(crate) fn available() -> Vec<String> {
    names_in_place(&store())
}

fn names_in_place(store: &BTreeMap<String, Slot>) -> Vec<String> {
    store
        .iter()
        .filter(|(_, slot)| slot.taken_by.is_none())
        .map(|(name, _)| name.clone())
        .collect()
}

/// Drops variables, on the cell thread.
pub(crate) fn forget(names: &[String]) {
    for name in names {
        let slot = store().remove(name);
        drop(slot);
    }
}

/// Name and short value of every variable, on the cell thread.
pub(crate) fn describe() -> Vec<(String, String)> {
    // Taken under the lock, written without it: `Debug` is the learner's code.
    let slots: Vec<_> = store()
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
    use std::rc::Rc;

    macro_rules! keep {
        ($index:literal, $name:literal, $variable:ident) => {{
            #[allow(unused_imports)]
            use super::brief::{WithDebug as _, WithoutDebug as _};
            let brief = (&&brief::of(&$variable)).brief();
            put::<$index, _>($name, $variable, brief);
        }};
    }

    // The store is one a process, as in a worker, so the tests use names of their own.

    #[test]
    fn a_variable_goes_round_and_is_dropped_once() {
        let witness = Rc::new(());
        let variable = Rc::clone(&witness);
        keep!(0, "round", variable);
        // SAFETY: the type is the one above.
        let taken: Rc<()> = unsafe { take("round") };
        put_back("round", taken);
        assert_eq!(Rc::strong_count(&witness), 2);
        forget(&["round".into()]);
        assert_eq!(Rc::strong_count(&witness), 1);
    }

    #[test]
    fn a_new_value_replaces_the_old_one() {
        let witness = Rc::new(());
        let variable = Rc::clone(&witness);
        keep!(0, "replaced", variable);
        let variable = [1_u8; 3];
        keep!(1, "replaced", variable);
        assert_eq!(Rc::strong_count(&witness), 1);
        // SAFETY: the type is the one above.
        assert_eq!(unsafe { take::<[u8; 3]>("replaced") }, [1; 3]);
    }

    #[test]
    fn a_long_value_is_cut() {
        let variable = vec![7; 1000];
        keep!(0, "long", variable);
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
        let variable = ();
        keep!(0, "nothing", variable);
        // SAFETY: the type is the one above.
        unsafe { take::<()>("nothing") };
    }
}
