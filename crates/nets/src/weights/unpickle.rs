//! Reads pickles without running them.
//!
//! A pickle is a program for a small stack machine, and Python's machine calls whatever function the program names:
//! that is how a file of weights can take over a computer. This one knows the instructions that build values, and
//! the few functions of `globals`, which it imitates; at anything else it stops with an error.
//!
//! What is built stays small: instructions are a byte or more each, and none makes more than a fixed number of
//! bytes beyond its own length.

use std::collections::HashMap;
use std::rc::Rc;

use super::globals::{self, Global};
use super::{Problem, problem};

/// A node of what a pickle builds; nodes refer to each other by number, because Python's values may be shared.
#[derive(Clone, Debug)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    /// An integer of more than 8 bytes, least significant first
    Long(Rc<[u8]>),
    Float(f64),
    Text(Rc<str>),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(StorageRef),
    Tensor(TensorRef),
}

/// Where a node is.
pub(super) type Id = usize;

/// What a pickle says about the bytes of a tensor, which lie outside of it.
#[derive(Clone, Debug)]
pub(super) struct StorageRef {
    pub(super) kind: tch::Kind,
    pub(super) key: Rc<str>,
    /// Elements from the beginning of the storage
    pub(super) offset: i64,
}

/// A view of a storage.
#[derive(Clone, Debug)]
pub(super) struct TensorRef {
    pub(super) storage: StorageRef,
    pub(super) size: Vec<i64>,
    pub(super) stride: Vec<i64>,
}

/// What a pickle has built.
#[derive(Debug)]
pub(super) struct Pickle {
    nodes: Vec<Node>,
    root: Id,
}

impl Pickle {
    /// The node with this number.
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    /// The value itself.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    /// The node of the value itself.
    pub(super) fn root_node(&self) -> &Node {
        self.node(self.root)
    }

    /// All nodes, in the order in which they were made.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

/// Reads one pickle from the beginning of `bytes`, and tells how long it was.
pub(super) fn unpickle(bytes: &[u8]) -> Result<(Pickle, usize), Problem> {
    let mut machine = Machine {
        bytes,
        at: 0,
        nodes: vec![Node::None, Node::Bool(false), Node::Bool(true)],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    let pickle = Pickle {
        nodes: machine.nodes,
        root,
    };
    Ok((pickle, machine.at))
}

const NONE: Id = 0;
const FALSE: Id = 1;
const TRUE: Id = 2;

pub(super) struct Machine<'b> {
    bytes: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'b> Machine<'b> {
    /// Runs until the instruction that ends a pickle. Instructions are those of Python's `pickletools`.
    fn run(&mut self) -> Result<Id, Problem> {
        loop {
            match self.byte()? {
                0x80 => self.protocol()?,
                0x95 => drop(self.take(8)?), // FRAME: a hint for buffered reading
                b'.' => return self.pop(),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => self.duplicate()?,
                b'N' => self.stack.push(NONE),
                0x88 => self.stack.push(TRUE),
                0x89 => self.stack.push(FALSE),
                b'K' => self.small_int::<1>()?,
                b'M' => self.small_int::<2>()?,
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.push(Node::Int(value.into()));
                }
                0x8a => self.long::<1>()?,
                0x8b => self.long::<4>()?,
                b'G' => {
                    let value = f64::from_be_bytes(self.array()?);
                    self.push(Node::Float(value));
                }
                b'U' | 0x8c => self.text::<1>()?, // SHORT_BINSTRING (Python 2), SHORT_BINUNICODE
                b'T' | b'X' => self.text::<4>()?, // BINSTRING (Python 2), BINUNICODE
                0x8d => self.text::<8>()?,
                b']' => self.push(Node::List(Vec::new())),
                b'}' => self.push(Node::Dict(Vec::new())),
                b')' => self.push(Node::Tuple(Vec::new())),
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Node::Tuple(items));
                }
                b'l' => {
                    let items = self.pop_mark()?;
                    self.push(Node::List(items));
                }
                length @ 0x85..=0x87 => self.short_tuple(usize::from(length - 0x84))?,
                b'a' => {
                    let item = self.pop()?;
                    self.extend(vec![item])?;
                }
                b'e' => {
                    let items = self.pop_mark()?;
                    self.extend(items)?;
                }
                b's' => {
                    let (value, key) = (self.pop()?, self.pop()?);
                    self.set_items(vec![key, value])?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set_items(items)?;
                }
                b'q' => self.put::<1>()?,
                b'r' => self.put::<4>()?,
                0x94 => self.remember(self.memo.len() as u64)?, // MEMOIZE
                b'h' => self.get::<1>()?,
                b'j' => self.get::<4>()?,
                b'c' => self.global()?,
                0x93 => self.stack_global()?,
                b'R' | 0x81 => self.call()?, // REDUCE, NEWOBJ: a function or a class, and its arguments
                b'b' => self.build()?,
                b'Q' => self.persistent_id()?,
                other => {
                    return problem(format!(
                        "byte {}: instruction {other:#04x} has no place in a file of weights",
                        self.at - 1
                    ));
                }
            }
        }
    }

    fn protocol(&mut self) -> Result<(), Problem> {
        match self.byte()? {
            2..=5 => Ok(()),
            other => problem(format!("pickle protocol {other} is not one of 2 to 5")),
        }
    }

    // What instructions carry behind them.

    fn take(&mut self, length: usize) -> Result<&'b [u8], Problem> {
        let rest = &self.bytes[self.at..];
        let Some(found) = rest.get(..length) else {
            return problem("the file ends too early: copy or download it again");
        };
        self.at += length;
        Ok(found)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, Problem> {
        Ok(self.array::<1>()?[0])
    }

    /// A number without a sign, of N bytes.
    fn number<const N: usize>(&mut self) -> Result<u64, Problem> {
        let mut wide = [0; 8];
        wide[..N].copy_from_slice(&self.array::<N>()?);
        Ok(u64::from_le_bytes(wide))
    }

    /// The bytes whose number is written before them.
    fn counted<const N: usize>(&mut self) -> Result<&'b [u8], Problem> {
        let length = self.number::<N>()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// A line of text, without its end.
    fn line(&mut self) -> Result<&'b str, Problem> {
        let rest = &self.bytes[self.at..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            return problem("the file ends too early: copy or download it again");
        };
        let line = self.take(length + 1)?;
        utf8(&line[..length])
    }

    // The stack.

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    fn pop(&mut self) -> Result<Id, Problem> {
        // What lies below a mark is out of reach until the mark is gone.
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => problem("the pickle is damaged: it takes more than it has made"),
        }
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, Problem> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => problem("the pickle is damaged: it closes what it has not opened"),
        }
    }

    fn duplicate(&mut self) -> Result<(), Problem> {
        let id = self.pop()?;
        self.stack.extend([id, id]);
        Ok(())
    }

    // Values.

    fn small_int<const N: usize>(&mut self) -> Result<(), Problem> {
        let value = self.number::<N>()?;
        self.push(Node::Int(value as i64)); // of two bytes at most
        Ok(())
    }

    /// An integer of any size, its bytes in two's complement.
    fn long<const N: usize>(&mut self) -> Result<(), Problem> {
        let bytes = self.counted::<N>()?;
        if bytes.len() > 8 {
            self.push(Node::Long(bytes.into()));
            return Ok(());
        }
        let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        wide[..bytes.len()].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(wide)));
        Ok(())
    }

    fn text<const N: usize>(&mut self) -> Result<(), Problem> {
        let text = utf8(self.counted::<N>()?)?;
        self.push(Node::Text(text.into()));
        Ok(())
    }

    fn short_tuple(&mut self, length: usize) -> Result<(), Problem> {
        let mut items = Vec::with_capacity(length);
        for _ in 0..length {
            items.push(self.pop()?);
        }
        items.reverse();
        self.push(Node::Tuple(items));
        Ok(())
    }

    /// Adds to the list that lies on top.
    fn extend(&mut self, items: Vec<Id>) -> Result<(), Problem> {
        match self.top()? {
            Node::List(list) => {
                list.extend(items);
                Ok(())
            }
            _ => problem("the pickle is damaged: it appends to what is not a list"),
        }
    }

    /// Adds keys and values in turn to the dictionary that lies on top.
    fn set_items(&mut self, items: Vec<Id>) -> Result<(), Problem> {
        match self.top()? {
            Node::Dict(dict) if items.len().is_multiple_of(2) => {
                dict.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                Ok(())
            }
            _ => problem("the pickle is damaged: it sets an entry of what is not a dictionary"),
        }
    }

    fn top(&mut self) -> Result<&mut Node, Problem> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(&mut self.nodes[id])
    }

    // What is used more than once.

    fn put<const N: usize>(&mut self) -> Result<(), Problem> {
        let key = self.number::<N>()?;
        self.remember(key)
    }

    fn remember(&mut self, key: u64) -> Result<(), Problem> {
        let id = self.pop()?;
        self.stack.push(id);
        self.memo.insert(key, id);
        Ok(())
    }

    fn get<const N: usize>(&mut self) -> Result<(), Problem> {
        let key = self.number::<N>()?;
        match self.memo.get(&key) {
            Some(id) => {
                self.stack.push(*id);
                Ok(())
            }
            None => problem("the pickle is damaged: it uses what it has not made"),
        }
    }

    // Python's names.

    fn global(&mut self) -> Result<(), Problem> {
        let (module, name) = (self.line()?, self.line()?);
        self.push(Node::Global(globals::find(module, name)?));
        Ok(())
    }

    fn stack_global(&mut self) -> Result<(), Problem> {
        let (name, module) = (self.pop()?, self.pop()?);
        let (Node::Text(module), Node::Text(name)) = (self.node(module), self.node(name)) else {
            return problem("the pickle is damaged: a name is not text");
        };
        let global = globals::find(module, name)?;
        self.push(Node::Global(global));
        Ok(())
    }

    fn call(&mut self) -> Result<(), Problem> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let (Node::Global(global), Node::Tuple(arguments)) =
            (self.node(callee), self.node(arguments))
        else {
            return problem("the pickle is damaged: it calls what is not a function");
        };
        let node = globals::call(self, *global, arguments)?;
        self.push(node);
        Ok(())
    }

    /// Gives a value attributes. Dictionaries of weights have `_metadata`, parameters have what users tack on to
    /// them; neither is needed.
    fn build(&mut self) -> Result<(), Problem> {
        let _attributes = self.pop()?;
        match self.top()? {
            Node::Dict(_) | Node::Tensor(_) => Ok(()),
            _ => problem("the pickle gives attributes to something that has none"),
        }
    }

    /// `("storage", torch.FloatStorage, key, device, elements)`: bytes that lie outside of the pickle.
    fn persistent_id(&mut self) -> Result<(), Problem> {
        let id = self.pop()?;
        let storage = globals::storage(self, id)?;
        self.push(Node::Storage(storage));
        Ok(())
    }

    /// The node with this number.
    pub(super) fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).or_else(|_| problem("the pickle is damaged: text is not UTF-8"))
}
