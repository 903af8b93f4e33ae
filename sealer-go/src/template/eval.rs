//! Runs a parsed template, step by step (`text/template`'s `exec.go`).

mod call;
mod field;
mod operand;
mod range;

use super::budget::Budget;
use super::costs::FAST;
use super::error::{TemplateError, Texts};
use super::functions::Runtime;
use super::syntax::Trees;
use super::syntax::tree::{Branch, Command, Node, Operand, OperandKind, Pipe};
use super::value::quote::{excerpt, go_quote};
use super::value::{Strings, Value};
use super::{Environment, format};
use crate::template::error::Fault;

/// Runs the template `name` with `dot` and returns what it writes.
pub(crate) fn execute(
    trees: &Trees<'_>,
    name: &str,
    dot: Strings,
    environment: &Environment,
    budget: &mut Budget<'_>,
) -> Result<Vec<u8>, TemplateError> {
    let dot = Value::Strings(dot);
    let mut engine = Engine {
        trees,
        runtime: Runtime::new(budget, environment),
        output: Vec::new(),
        variables: vec![("$", dot.clone())],
        base: 0,
        place: Place::Start,
        template: name,
        calls: 0,
        depth: 0,
    };
    if let Some(nodes) = trees.templates.get(name) {
        engine.walk_list(&dot, nodes)?;
    }
    Ok(engine.output)
}

pub(super) type Run<T> = Result<T, TemplateError>;

pub(super) struct Engine<'t, 'e, 'b> {
    trees: &'t Trees<'t>,
    runtime: Runtime<'e, 'b>,
    output: Vec<u8>,
    variables: Vec<(&'t str, Value)>,
    /// Where the running template's own variables begin.
    base: usize,
    place: Place<'t>,
    template: &'t str,
    calls: usize,
    depth: usize,
}

/// The part of the template that an error would name.
#[derive(Clone, Copy)]
pub(super) enum Place<'t> {
    Start,
    Node(&'t Node<'t>),
    Pipe(&'t Pipe<'t>),
    Command(&'t Command<'t>),
    Operand(&'t Operand<'t>),
}

impl Place<'_> {
    fn position(self) -> usize {
        match self {
            Self::Start => 0,
            Self::Node(node) => node.position(),
            Self::Pipe(pipe) => pipe.position,
            Self::Command(command) => command.operands.first().map_or(0, |operand| operand.position),
            Self::Operand(operand) => operand.position,
        }
    }

    fn source(self) -> String {
        match self {
            Self::Start => String::new(),
            Self::Node(node) => node.source(),
            Self::Pipe(pipe) => pipe.source(),
            Self::Command(command) => super::syntax::command_source(&command.operands),
            Self::Operand(operand) => operand.source(),
        }
    }

    /// The function that is called here, if one is.
    fn function(self) -> Option<&'static str> {
        let operand = match self {
            Self::Command(command) => command.operands.first()?,
            Self::Operand(operand) => operand,
            _ => return None,
        };
        match &operand.kind {
            OperandKind::Function(_, function) => Some(function.name),
            _ => None,
        }
    }
}

/// How a part of a template ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'t> Engine<'t, '_, '_> {
    /// A failure whose text in Go is made of types and of names in the template.
    pub(super) fn fail<T>(&self, reason: &'static str, go_text: impl AsRef<str>) -> Run<T> {
        Err(self.error(Fault::public(reason, go_text.as_ref())))
    }

    pub(super) fn error(&self, fault: Fault) -> TemplateError {
        let position = self.place.position();
        let before = self.trees.text.get(..position).unwrap_or("");
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        let (class, reason) = (fault.class(), fault.reason());
        let place = format!(
            "template: {}:{line}:{column}: executing {} at <{}>: ",
            self.trees.name,
            go_quote(excerpt(self.template.as_bytes())),
            self.place.source(),
        );
        let public_text = fault.may_hold_values().then(|| format!("{place}{reason}"));
        let texts = Box::new(Texts { go: format!("{place}{}", fault.into_go_text()), public: public_text });
        TemplateError { class, line, column: column + 1, function: self.place.function(), reason, texts }
    }

    pub(super) fn located<T>(&self, result: Result<T, Fault>) -> Run<T> {
        result.map_err(|fault| self.error(fault))
    }

    pub(super) fn step(&mut self) -> Run<()> {
        let result = self.runtime.budget.step();
        self.located(result)
    }

    /// Runs `inner` one level deeper.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        if self.depth >= self.runtime.budget.limits().nesting {
            return Err(self.error(Fault::Limit("nested too deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn walk_list(&mut self, dot: &Value, nodes: &'t [Node<'t>]) -> Run<Flow> {
        self.nested(|engine| {
            for node in nodes {
                let flow = engine.walk(dot, node)?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            Ok(Flow::Next)
        })
    }

    fn walk(&mut self, dot: &Value, node: &'t Node<'t>) -> Run<Flow> {
        self.place = Place::Node(node);
        self.step()?;
        match node {
            Node::Text(text) => self.write(text.as_bytes())?,
            Node::Action { pipe, .. } => {
                let value = self.pipeline(dot, pipe)?;
                if pipe.variables.is_empty() {
                    self.print(node, &value)?;
                }
            }
            Node::If(branch) => return self.walk_condition(dot, branch, false),
            Node::With(branch) => return self.walk_condition(dot, branch, true),
            Node::Range(branch) => return self.walk_range(dot, branch),
            Node::Template { name, pipe, .. } => self.call_template(dot, node, name, pipe.as_ref())?,
            Node::Break(_) => return Ok(Flow::Break),
            Node::Continue(_) => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, bytes: &[u8]) -> Run<()> {
        let result = self.runtime.budget.write(bytes.len());
        self.located(result)?;
        let needed = self.output.len() + bytes.len();
        if needed > self.output.capacity() {
            let most = usize::try_from(self.runtime.budget.limits().item_output).unwrap_or(usize::MAX);
            let room = needed.max((self.output.capacity() * 2).min(most));
            self.output.reserve_exact(room - self.output.len());
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    fn print(&mut self, node: &'t Node<'t>, value: &Value) -> Run<()> {
        self.place = Place::Node(node);
        match value {
            Value::Text(text) => self.write(text),
            Value::NoError => self.write(b"<nil>"),
            value if value.is_nil() => self.write(b"<no value>"),
            value => {
                let text = format::shown(value, self.runtime.budget);
                let text = self.located(text)?;
                self.write(text.as_slice())?;
                text.give_back(self.runtime.budget);
                Ok(())
            }
        }
    }

    fn walk_condition(&mut self, dot: &Value, branch: &'t Branch<'t>, with: bool) -> Run<Flow> {
        let known = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            self.walk_list(if with { &value } else { dot }, &branch.body)
        } else if let Some(otherwise) = &branch.otherwise {
            self.walk_list(dot, otherwise)
        } else {
            Ok(Flow::Next)
        };
        self.variables.truncate(known);
        flow
    }

    fn call_template(&mut self, dot: &Value, node: &'t Node<'t>, name: &'t str, pipe: Option<&'t Pipe<'t>>) -> Run<()> {
        self.place = Place::Node(node);
        let searched = self.runtime.search(self.trees.templates.len(), name.as_bytes());
        self.located(searched)?;
        let Some(nodes) = self.trees.templates.get(name) else {
            return self.fail(
                "there is no such template",
                format!("template {} not defined", go_quote(excerpt(name.as_bytes()))),
            );
        };
        if self.calls >= self.runtime.budget.limits().recursion {
            return Err(self.error(Fault::Limit("exceeded maximum template depth")));
        }
        let dot = match pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Nil,
        };
        let (base, template) = (self.base, self.template);
        let known = self.variables.len();
        self.base = known;
        self.template = name;
        self.calls += 1;
        self.variables.push(("$", dot.clone()));
        self.walk_list(&dot, nodes)?;
        self.variables.truncate(known);
        self.calls -= 1;
        self.base = base;
        self.template = template;
        Ok(())
    }

    pub(super) fn pipeline(&mut self, dot: &Value, pipe: &'t Pipe<'t>) -> Run<Value> {
        self.place = Place::Pipe(pipe);
        let mut value = None;
        for command in &pipe.commands {
            let result = self.nested(|engine| engine.command(dot, command, value.take()))?;
            value = Some(result.settled());
        }
        let value = value.unwrap_or(Value::Nil);
        for variable in &pipe.variables {
            if pipe.assigns {
                self.assign(variable, value.clone())?;
            } else {
                self.variables.push((variable, value.clone()));
            }
        }
        Ok(value)
    }

    fn own_variables(&mut self) -> &mut [(&'t str, Value)] {
        self.variables.get_mut(self.base..).unwrap_or_default()
    }

    /// Where the variable is among all, the innermost of its name.
    fn find_variable(&mut self, name: &str) -> Run<usize> {
        let found = self.own_variables().iter().rposition(|(known, _)| *known == name);
        let Some(at) = found else {
            return self.fail("there is no such variable", format!("undefined variable: {name}"));
        };
        let at = self.base + at;
        let work = (self.variables.len() - at).saturating_mul(VARIABLE + name.len());
        let counted = self.runtime.budget.read(work, FAST);
        self.located(counted)?;
        Ok(at)
    }

    fn assign(&mut self, name: &str, value: Value) -> Run<()> {
        let at = self.find_variable(name)?;
        if let Some((_, slot)) = self.variables.get_mut(at) {
            *slot = value;
        }
        Ok(())
    }

    pub(super) fn variable(&mut self, name: &str) -> Run<Value> {
        let at = self.find_variable(name)?;
        Ok(self.variables.get(at).map_or(Value::Nil, |(_, value)| value.clone()))
    }
}

/// What it takes to look at a variable, beside its name.
const VARIABLE: usize = 32;
