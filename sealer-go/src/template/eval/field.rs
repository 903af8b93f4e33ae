//! Evaluates `.name` after a value: a field, a key or a method.

use super::{Engine, Place, Run};
use crate::template::functions;
use crate::template::syntax::tree::Operand;
use crate::template::value::problem::Field;
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
        let (mut value, mut of) = (receiver, None);
        for name in before {
            let inner = element_type(&value, name);
            value = self.field(dot, (value, of), operand, name, (&[], None))?;
            of = inner;
        }
        self.field(dot, (value, of), operand, last, arguments)
    }

    fn field(
        &mut self,
        dot: &Value,
        // The value, and the type that Go knows it by where that is none of its own.
        (receiver, of): (Value, Option<&'static str>),
        operand: &'t Operand<'t>,
        name: &'t str,
        arguments: Arguments<'t>,
    ) -> Run<Value> {
        self.step()?;
        match &receiver {
            Value::Nil => return Ok(Value::Nil),
            Value::NilInterface | Value::NoError => {
                let text = format!("nil pointer evaluating {}.{name}", of.unwrap_or_else(|| type_name(&receiver)));
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
                self.located(searched)?;
                Ok(dict.get(name.as_bytes()).map_or(Value::Nil, |value| value.as_element()))
            }
            Value::Strings(map) => {
                let searched = self.runtime.search(map.entries().len(), name.as_bytes());
                self.located(searched)?;
                let found = map.entries().get(name.as_bytes());
                Ok(found.map_or(Value::Nil, |text| Value::Text(text.clone())))
            }
            other => {
                let of = of.unwrap_or_else(|| type_name(other));
                match structure_field(other, name) {
                    Some(Field::Hidden) => {
                        let text = format!("{name} is an unexported field of struct type {of}");
                        self.fail("a value of this type has no such field", text)
                    }
                    Some(Field::Value(_)) if has_arguments => {
                        let text = format!("{name} has arguments but cannot be invoked as function");
                        self.fail("arguments for what is no function", text)
                    }
                    Some(Field::Value(value)) => Ok(value),
                    None => {
                        let text = format!("can't evaluate field {name} in type {of}");
                        self.fail("a value of this type has no such field", text)
                    }
                }
            }
        }
    }
}

/// The type of what `name` gives, where it is an interface and the value's own type is hidden.
fn element_type(receiver: &Value, name: &str) -> Option<&'static str> {
    match receiver {
        Value::Dict(_) => Some("interface {}"),
        Value::Version(_) if name == "Value" => Some("driver.Value"),
        _ => None,
    }
}

fn structure_field(receiver: &Value, name: &str) -> Option<Field> {
    let hidden: &[&str] = match receiver {
        Value::Certificate(pair) => {
            return match name {
                "Cert" => Some(Field::Value(Value::Text(pair.certificate.clone()))),
                "Key" => Some(Field::Value(Value::Text(pair.key.clone()))),
                _ => None,
            };
        }
        Value::Error { problem, .. } => return problem.field(name),
        Value::Time(_) => &["wall", "ext", "loc"],
        Value::Location(_) => &["name", "zone", "tx", "extend", "cacheStart", "cacheEnd", "cacheZone"],
        Value::Version(_) => &["major", "minor", "patch", "pre", "metadata", "original"],
        _ => &[],
    };
    hidden.contains(&name).then_some(Field::Hidden)
}
