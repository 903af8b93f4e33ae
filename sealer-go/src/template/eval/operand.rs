//! Evaluates an operand for the parameter that wants it.

use super::{Engine, Place, Run};
use crate::template::functions::Function;
use crate::template::syntax::tree::{Command, Number, Operand, OperandKind};
use crate::template::value::{Dict, IntegerKind, Kind, ListKind, Value, assignable, type_name};

impl<'t> Engine<'t, '_, '_> {
    pub(super) fn command(&mut self, dot: &Value, command: &'t Command<'t>, last: Option<Value>) -> Run<Value> {
        self.step()?;
        let Some(first) = command.operands.first() else {
            return Ok(Value::Nil);
        };
        let arguments = command.operands.as_slice();
        match &first.kind {
            OperandKind::Field(names) => self.field_operand(dot, first, names, arguments, last),
            OperandKind::Chain(inner, names) => self.chain_operand(dot, first, inner, names, arguments, last),
            OperandKind::Variable(names) => self.variable_operand(first, names, (dot, arguments, last)),
            OperandKind::Function(_, function) => {
                self.function_operand(dot, first, function, Place::Command(command), arguments, last)
            }
            OperandKind::Pipe(pipe) => {
                self.no_arguments(arguments, last.is_some())?;
                self.pipeline(dot, pipe)
            }
            _ => {
                self.place = Place::Operand(first);
                self.no_arguments(arguments, last.is_some())?;
                self.constant(dot, first)
            }
        }
    }

    fn no_arguments(&self, arguments: &[Operand<'_>], piped: bool) -> Run<()> {
        if arguments.len() <= 1 && !piped {
            return Ok(());
        }
        let shown = arguments.first().map_or_else(String::new, Operand::source);
        self.fail("arguments for what is no function", format!("can't give argument to non-function {shown}"))
    }

    fn constant(&self, dot: &Value, operand: &'t Operand<'t>) -> Run<Value> {
        match &operand.kind {
            OperandKind::Dot => Ok(dot.clone()),
            OperandKind::Bool(value) => Ok(Value::Bool(*value)),
            OperandKind::Number(number) => self.ideal(number),
            OperandKind::Text { value, .. } => Ok(Value::Text(value.clone())),
            _ => self.fail("nil is not a command", "nil is not a command"),
        }
    }

    /// A number of the type that its writing suggests.
    fn ideal(&self, number: &Number<'_>) -> Run<Value> {
        let source = number.source;
        let hexadecimal = source.starts_with("0x") || source.starts_with("0X");
        let float_mark =
            if hexadecimal { source.contains(['p', 'P']) } else { source.contains(['.', 'e', 'E', 'p', 'P']) };
        match number {
            Number { complex: Some((real, imaginary)), .. } => Ok(Value::Complex(*real, *imaginary)),
            Number { float: Some(float), .. } if float_mark && !source.starts_with('\'') => Ok(Value::Float(*float)),
            Number { int: Some(int), .. } => Ok(Value::int(*int)),
            _ => self.fail("too large a number", format!("{source} overflows int")),
        }
    }

    fn field_operand(
        &mut self,
        dot: &Value,
        operand: &'t Operand<'t>,
        names: &'t [&'t str],
        arguments: &'t [Operand<'t>],
        last: Option<Value>,
    ) -> Run<Value> {
        self.place = Place::Operand(operand);
        self.fields(dot, dot.clone(), operand, names, (arguments, last))
    }

    fn chain_operand(
        &mut self,
        dot: &Value,
        operand: &'t Operand<'t>,
        inner: &'t Operand<'t>,
        names: &'t [&'t str],
        arguments: &'t [Operand<'t>],
        last: Option<Value>,
    ) -> Run<Value> {
        self.place = Place::Operand(operand);
        let receiver = self.argument(dot, None, inner)?;
        self.fields(dot, receiver, operand, names, (arguments, last))
    }

    fn variable_operand(
        &mut self,
        operand: &'t Operand<'t>,
        names: &'t [&'t str],
        (dot, arguments, last): (&Value, &'t [Operand<'t>], Option<Value>),
    ) -> Run<Value> {
        self.place = Place::Operand(operand);
        let (name, rest) = names.split_first().map_or(("$", names), |(name, rest)| (*name, rest));
        let value = self.variable(name)?;
        if rest.is_empty() {
            self.no_arguments(arguments, last.is_some())?;
            return Ok(value);
        }
        self.fields(dot, value, operand, rest, (arguments, last))
    }

    fn function_operand(
        &mut self,
        dot: &Value,
        operand: &'t Operand<'t>,
        function: &'static Function,
        place: Place<'t>,
        arguments: &'t [Operand<'t>],
        last: Option<Value>,
    ) -> Run<Value> {
        self.place = Place::Operand(operand);
        self.call(dot, function, place, arguments.get(1..).unwrap_or_default(), last)
    }

    /// The operand's value for a parameter of type `kind`, or as it is.
    pub(super) fn argument(&mut self, dot: &Value, kind: Option<Kind>, operand: &'t Operand<'t>) -> Run<Value> {
        self.place = Place::Operand(operand);
        self.step()?;
        self.nested(|engine| engine.argument_value(dot, kind, operand))
    }

    fn argument_value(&mut self, dot: &Value, kind: Option<Kind>, operand: &'t Operand<'t>) -> Run<Value> {
        let value = match &operand.kind {
            OperandKind::Dot => dot.clone(),
            OperandKind::Nil => return self.nil_argument(kind),
            OperandKind::Field(names) => self.field_operand(dot, operand, names, &[], None)?,
            OperandKind::Variable(names) => self.variable_operand(operand, names, (dot, &[], None))?,
            OperandKind::Pipe(pipe) => self.pipeline(dot, pipe)?,
            OperandKind::Function(_, function) => {
                self.function_operand(dot, operand, function, Place::Operand(operand), &[], None)?
            }
            OperandKind::Chain(inner, names) => self.chain_operand(dot, operand, inner, names, &[], None)?,
            OperandKind::Bool(_) | OperandKind::Number(_) | OperandKind::Text { .. } => {
                return self.literal_argument(dot, kind.unwrap_or(Kind::Any), operand);
            }
        };
        self.validate(value, kind)
    }

    fn nil_argument(&self, kind: Option<Kind>) -> Run<Value> {
        match kind {
            Some(kind) if !kind.can_be_nil() => {
                self.fail("nil where a value must be", format!("cannot assign nil to {}", kind.go_name()))
            }
            kind => Ok(nil_of(kind)),
        }
    }

    fn literal_argument(&self, dot: &Value, kind: Kind, operand: &'t Operand<'t>) -> Run<Value> {
        let wrong =
            |what: &'static str, words: &str| self.fail(what, format!("expected {words}; found {}", operand.source()));
        let number = match &operand.kind {
            OperandKind::Number(number) => Some(number),
            _ => None,
        };
        match kind {
            Kind::Any | Kind::Reflect => self.constant(dot, operand),
            Kind::Bool => match operand.kind {
                OperandKind::Bool(value) => Ok(Value::Bool(value)),
                _ => wrong("an argument must be a bool", "bool"),
            },
            Kind::Text => match &operand.kind {
                OperandKind::Text { value, .. } => Ok(Value::Text(value.clone())),
                _ => wrong("an argument must be a text", "string"),
            },
            Kind::Int | Kind::Duration => match number.and_then(|number| number.int) {
                Some(int) => Ok(Value::of_kind(int, integer_kind(kind))),
                None => wrong("an argument must be an integer", "integer"),
            },
            Kind::Uint32 => match number.and_then(|number| number.uint) {
                Some(uint) => Ok(Value::uint64(uint & u64::from(u32::MAX))),
                None => wrong("an argument must be an unsigned integer", "unsigned integer"),
            },
            Kind::Float => match number.and_then(|number| number.float) {
                Some(float) => Ok(Value::Float(float)),
                None => wrong("an argument must be a number", "float"),
            },
            Kind::Dict | Kind::Anys | Kind::Time | Kind::Location | Kind::Version | Kind::Bytes | Kind::Certificate => {
                let text = format!("can't handle {} for arg of type {}", operand.source(), kind.go_name());
                self.fail("an argument has the wrong type", text)
            }
        }
    }

    /// Whether the value fits the parameter.
    pub(super) fn validate(&self, value: Value, kind: Option<Kind>) -> Run<Value> {
        match (&value, kind) {
            (Value::Nil, Some(kind)) if !kind.can_be_nil() => {
                self.fail("an argument has no value", format!("invalid value; expected {}", kind.go_name()))
            }
            (Value::Nil, kind) => Ok(nil_of(kind)),
            (_, None) => Ok(value),
            (Value::NoError, Some(Kind::Reflect)) => Ok(value),
            (Value::NilInterface | Value::NoError, Some(Kind::Any | Kind::Reflect)) => Ok(Value::Nil),
            (Value::Error { problem, .. }, Some(_)) => {
                let value = Value::Error { problem: problem.clone(), is_interface: false };
                if matches!(kind, Some(Kind::Any | Kind::Reflect)) { Ok(value) } else { self.wrong_type(&value, kind) }
            }
            (Value::NilInterface, Some(_)) => self.wrong_type(&value, kind),
            (_, Some(wanted)) if !assignable(&value, wanted) => self.wrong_type(&value, kind),
            _ => Ok(value),
        }
    }

    fn wrong_type(&self, value: &Value, kind: Option<Kind>) -> Run<Value> {
        let wanted = kind.map_or("", Kind::go_name);
        let text = format!("wrong type for value; expected {wanted}; got {}", type_name(value));
        self.fail("an argument has the wrong type", text)
    }
}

fn integer_kind(kind: Kind) -> IntegerKind {
    match kind {
        Kind::Duration => IntegerKind::Duration,
        _ => IntegerKind::Int,
    }
}

/// What `nil` is for a parameter.
fn nil_of(kind: Option<Kind>) -> Value {
    match kind {
        Some(Kind::Dict) => Value::Dict(Dict::nil()),
        Some(Kind::Anys) => Value::nil_list(ListKind::Any),
        Some(Kind::Bytes) => Value::nil_list(ListKind::Byte),
        _ => Value::Nil,
    }
}
