//! What does `.name` after a value mean?

use super::{Engine, Place, Run};
use crate::template::functions;
use crate::template::syntax::tree::Operand;
use crate::template::value::{Value, type_name};

type Arguments<'t> = (&'t [Operand<'t>], Option<Value>);

impl<'t> Engine<'t, '_, '_> {
    /// The value at the end of a chain of names. The last one gets the arguments.
    pub(super) fn fields(
        &mut self,
        dot: &Value,
        receiver: Value,
        operand: &'t Operand<'t>,
        names: &'t [&'t str],
        arguments: Arguments<'t>,
    ) -> Run<Value> {
        let Some((last, before)) = names.split_last() else {
            return Ok(receiver);
        };
        let mut value = receiver;
        for name in before {
            value = self.field(dot, value, operand, name, (&[], None))?;
        }
        self.field(dot, value, operand, last, arguments)
    }

    fn field(
        &mut self,
        dot: &Value,
        receiver: Value,
        operand: &'t Operand<'t>,
        name: &'t str,
        arguments: Arguments<'t>,
    ) -> Run<Value> {
        self.step()?;
        match &receiver {
            Value::Nil => return Ok(Value::Nil),
            Value::NilInterface => {
                let text = format!("nil pointer evaluating interface {{}}.{name}");
                return self.fail("there is no value to look into", text);
            }
            _ => {}
        }
        if let Some(method) = functions::method(&receiver, name) {
            return self.call_method(dot, method, receiver, Place::Operand(operand), arguments);
        }
        let has_arguments = arguments.0.len() > 1 || arguments.1.is_some();
        match &receiver {
            Value::Dict(_) | Value::Strings(_) if has_arguments => {
                self.fail("arguments for what is no function", format!("{name} is not a method but has arguments"))
            }
            Value::Dict(dict) => {
                let searched = self.runtime.search(dict.len(), name.as_bytes());
                self.counted(searched)?;
                Ok(dict.get(name.as_bytes()).map_or(Value::Nil, |value| value.as_element()))
            }
            Value::Strings(map) => {
                let searched = self.runtime.search(map.entries().len(), name.as_bytes());
                self.counted(searched)?;
                let found = map.entries().get(name.as_bytes());
                Ok(found.map_or(Value::Nil, |text| Value::Text(text.clone())))
            }
            Value::Certificate(pair) if matches!(name, "Cert" | "Key") => {
                if has_arguments {
                    let text = format!("{name} has arguments but cannot be invoked as function");
                    return self.fail("arguments for what is no function", text);
                }
                Ok(Value::Text(if name == "Cert" { pair.certificate.clone() } else { pair.key.clone() }))
            }
            other => {
                let text = format!("can't evaluate field {name} in type {}", type_name(other));
                self.fail("a value of this type has no such field", text)
            }
        }
    }
}
