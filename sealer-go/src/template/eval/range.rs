//! Runs `range` over lists, dicts and numbers.

use super::{Engine, Flow, Place, Run};
use crate::template::costs::ENTRY;
use crate::template::error::Fault;
use crate::template::format;
use crate::template::syntax::tree::Branch;
use crate::template::value::{Dict, Value};

impl<'t> Engine<'t, '_, '_> {
    pub(super) fn walk_range(&mut self, dot: &Value, branch: &'t Branch<'t>) -> Run<Flow> {
        let outer = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let known = self.variables.len();
        let empty = match &value {
            Value::List(list) => {
                for (index, element) in list.items.iter().enumerate() {
                    let index = Value::int(i64::try_from(index).unwrap_or(i64::MAX));
                    if self.iterate(branch, known, index, element.as_element())? == Flow::Break {
                        break;
                    }
                }
                list.items.is_empty()
            }
            Value::Int(integer) => {
                if branch.pipe.variables.len() > 1 {
                    let shown = self.shown(&value)?;
                    let text = format!("can't use {shown} to iterate over more than one variable");
                    return Err(self.error(Fault::new("a number has no index and element", text)));
                }
                for number in 0..integer.wide().max(0) {
                    let number = i64::try_from(number).unwrap_or(i64::MAX);
                    let element = Value::of_kind(number, integer.kind);
                    if self.iterate(branch, known, Value::Nil, element)? == Flow::Break {
                        break;
                    }
                }
                integer.wide() <= 0
            }
            Value::Dict(dict) => self.walk_entries(dict, branch, known)?,
            Value::Strings(map) => {
                for (key, element) in map.entries() {
                    let element = Value::Text(element.clone());
                    if self.iterate(branch, known, Value::Text(key.clone()), element)? == Flow::Break {
                        break;
                    }
                }
                map.entries().is_empty()
            }
            Value::Nil | Value::NilInterface => true,
            other => {
                let shown = format::excerpt_behind(other, self.runtime.budget);
                let text = format!("range can't iterate over {}", self.located(shown)?);
                return Err(self.error(Fault::new("a value of this type has no elements", text)));
            }
        };
        let flow = match &branch.otherwise {
            Some(otherwise) if empty => self.walk_list(dot, otherwise)?,
            _ => Flow::Next,
        };
        self.variables.truncate(outer);
        Ok(flow)
    }

    /// Goes over a copy of the entries, which the body may change. True where there are none.
    fn walk_entries(&mut self, dict: &Dict, branch: &'t Branch<'t>, known: usize) -> Run<bool> {
        let room = dict.len() * ENTRY;
        let counted = self.runtime.budget.allocate(room);
        self.located(counted)?;
        let entries = dict.snapshot();
        for (key, element) in &entries {
            if self.iterate(branch, known, Value::Text(key.clone()), element.as_element())? == Flow::Break {
                break;
            }
        }
        self.runtime.budget.release(room);
        Ok(entries.is_empty())
    }

    fn shown(&mut self, value: &Value) -> Run<String> {
        let shown = format::excerpt(value, self.runtime.budget);
        self.located(shown)
    }

    fn iterate(&mut self, branch: &'t Branch<'t>, known: usize, index: Value, element: Value) -> Run<Flow> {
        self.place = Place::Pipe(&branch.pipe);
        self.step()?;
        let pipe = &branch.pipe;
        match (pipe.variables.as_slice(), pipe.assigns) {
            ([], _) => {}
            ([single], true) => self.assign(single, element.clone())?,
            ([first, second, ..], true) => {
                self.assign(first, index)?;
                self.assign(second, element.clone())?;
            }
            ([_], false) => self.set_top(1, element.clone()),
            ([_, ..], false) => {
                self.set_top(1, element.clone());
                self.set_top(2, index);
            }
        }
        let flow = self.walk_list(&element, &branch.body)?;
        self.variables.truncate(known);
        Ok(flow)
    }

    fn set_top(&mut self, from_top: usize, value: Value) {
        let slot = self.variables.iter_mut().rev().nth(from_top - 1);
        if let Some((_, slot)) = slot {
            *slot = value;
        }
    }
}
