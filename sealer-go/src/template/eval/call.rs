//! Calls a function with its arguments.

use super::{Engine, Place, Run};
use crate::template::error::{Fault, TemplateError};
use crate::template::functions::{Body, Function};
use crate::template::syntax::tree::{Operand, OperandKind};
use crate::template::value::{Kind, Value, type_name};

impl<'t> Engine<'t, '_, '_> {
    pub(super) fn call(
        &mut self,
        dot: &Value,
        function: &'static Function,
        place: Place<'t>,
        operands: &'t [Operand<'t>],
        last: Option<Value>,
    ) -> Run<Value> {
        self.check_count(function, operands.len(), last.is_some())?;
        if let Body::ShortCircuit(wanted) = function.body {
            return self.short_circuit(dot, wanted, operands, last);
        }
        let room = (operands.len() + 1) * size_of::<Value>();
        let counted = self.runtime.budget.allocate(room);
        self.located(counted)?;
        let is_constant = last.is_none() && operands.iter().all(Operand::is_constant);
        let mut arguments = Vec::with_capacity(operands.len() + 1);
        for (index, operand) in operands.iter().enumerate() {
            arguments.push(self.argument(dot, function.parameter(index), operand)?.settled());
        }
        if let Some(last) = last {
            let kind = function.parameter(operands.len());
            arguments.push(self.validate(last, kind)?.settled());
        }
        let result = match function.body {
            Body::Plain(body) => self.runtime.run(function, body, &arguments),
            Body::Call | Body::ShortCircuit(_) => Err(not_callable(&arguments, operands)),
        };
        self.runtime.budget.release(room);
        let result = if is_constant { result.map_err(Fault::of_constants) } else { result };
        result.map_err(|fault| self.call_error(function, place, fault))
    }

    /// Calls a method of `receiver`.
    pub(super) fn call_method(
        &mut self,
        dot: &Value,
        method: &'static Function,
        receiver: Value,
        place: Place<'t>,
        (operands, last): (&'t [Operand<'t>], Option<Value>),
    ) -> Run<Value> {
        let operands = operands.get(1..).unwrap_or_default();
        self.check_count(method, operands.len(), last.is_some())?;
        let mut arguments = vec![receiver];
        for (index, operand) in operands.iter().enumerate() {
            arguments.push(self.argument(dot, method.parameter(index), operand)?.settled());
        }
        if let Some(last) = last {
            arguments.push(self.validate(last, method.parameter(operands.len()))?.settled());
        }
        let Body::Plain(body) = method.body else {
            return Ok(Value::Nil);
        };
        let result = self.runtime.run(method, body, &arguments);
        result.map_err(|fault| self.call_error(method, place, fault))
    }

    fn call_error(&mut self, function: &'static Function, place: Place<'t>, fault: Fault) -> TemplateError {
        self.place = place;
        let fault = match fault {
            Fault::Failed(reason, go_text) => {
                Fault::Failed(reason, Box::new(go_text.behind(&format!("error calling {}: ", function.name))))
            }
            other => other,
        };
        TemplateError { function: Some(function.name), ..self.error(fault) }
    }

    fn check_count(&self, function: &'static Function, given: usize, piped: bool) -> Run<()> {
        let count = given + usize::from(piped);
        let (name, wanted) = (function.name, function.fixed.len());
        let text = if function.rest.is_some() {
            if count >= wanted {
                return Ok(());
            }
            format!("wrong number of args for {name}: want at least {wanted} got {given}")
        } else if count != wanted {
            format!("wrong number of args for {name}: want {wanted} got {count}")
        } else if let Some(results) = function.results {
            results.to_owned()
        } else {
            return Ok(());
        };
        let error = self.error(Fault::public("wrong number of arguments", text));
        Err(TemplateError { function: Some(name), ..error })
    }

    /// `and` and `or`: operands after the one that decides are not evaluated.
    fn short_circuit(
        &mut self,
        dot: &Value,
        wanted: bool,
        operands: &'t [Operand<'t>],
        last: Option<Value>,
    ) -> Run<Value> {
        let mut value = Value::Nil;
        for operand in operands {
            value = self.argument(dot, Some(Kind::Reflect), operand)?;
            if value.truth() == wanted {
                return Ok(value);
            }
        }
        match last {
            Some(last) => self.validate(last, Some(Kind::Reflect)),
            None => Ok(value),
        }
    }
}

fn not_callable(arguments: &[Value], operands: &[Operand<'_>]) -> Fault {
    match arguments.first() {
        None | Some(Value::Nil) => Fault::plain("call of nil"),
        Some(value) => {
            let name = match operands.first() {
                Some(Operand { kind: OperandKind::Pipe(pipe), .. }) => pipe.source(),
                Some(operand) => operand.source(),
                None => format!("<{} Value>", type_name(value)),
            };
            Fault::public("the value is no function", format!("non-function {name} of type {}", type_name(value)))
        }
    }
}
