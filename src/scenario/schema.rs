//! The JSON Schema of the scenario file, from the key table: editors complete and check with it while one types.

use serde_json::{Map, Value, json};

use crate::scenario::canonical::object;
use crate::scenario::kernel;
use crate::scenario::keys::SCENARIO;
use crate::scenario::shape::{Bounds, Choice, Need, Shape, TableShape};

/// The schema, draft 2020-12. Rules between keys are beyond it; `farewell check` knows them.
pub fn schema() -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    schema.insert("title".to_owned(), json!("farewell scenario"));
    if let Value::Object(table) = table(&SCENARIO) {
        schema.extend(table);
    }
    Value::Object(schema)
}

const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]*$";
const DURATION: &str = "^\\s*([0-9]+(\\.[0-9]+)?\\s*[A-Za-zµ]+\\s*)+$";
const SHIFT: &str = "^\\s*-?\\s*([0-9]+(\\.[0-9]+)?\\s*[A-Za-zµ]+\\s*)+$";
const RATE: &str = "^\\s*[0-9.]+\\s*[GMk]?bit(/s)?\\s*$";
const PRECISION: &str = "^\\s*([a-z0-9_]+\\s*=)?\\s*[0-9.]+\\s*%\\s*$";
const BYTES: &str = "^\\s*[0-9.]+\\s*(B|kB|KiB|MB|MiB|GB|GiB)\\s*$";

fn table(shape: &TableShape) -> Value {
    let properties =
        object(shape.all().map(|key| (key.name.to_owned(), property(&key.shape, key.about, default(key.need)))));
    let required: Vec<&str> = shape.all().filter(|k| matches!(k.need, Need::Required)).map(|k| k.name).collect();
    let mut map = Map::new();
    map.insert("type".to_owned(), json!("object"));
    map.insert("properties".to_owned(), properties);
    map.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        map.insert("required".to_owned(), json!(required));
    }
    let each = |names: &[&str]| names.iter().map(|name| json!({ "required": [name] })).collect::<Vec<_>>();
    match shape.choice {
        Choice::Free => {}
        Choice::One(names) => {
            map.insert("oneOf".to_owned(), json!(each(names)));
        }
        Choice::Some(names) => {
            map.insert("anyOf".to_owned(), json!(each(names)));
        }
        Choice::AtMostOne(names) => {
            map.insert("not".to_owned(), json!({ "required": names }));
        }
    }
    Value::Object(map)
}

fn property(shape: &Shape, about: &str, default: Option<Value>) -> Value {
    let mut property = of(shape);
    if let Value::Object(map) = &mut property {
        map.insert("description".to_owned(), json!(about));
        if let Some(default) = default {
            map.insert("default".to_owned(), default);
        }
    }
    property
}

fn default(need: Need) -> Option<Value> {
    let Need::Default(text) = need else { return None };
    let document: toml::Table = format!("value = {text}").parse().ok()?;
    serde_json::to_value(document.get("value")?).ok()
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Name => json!({ "type": "string", "pattern": NAME, "maxLength": 100 }),
        Shape::Reference { known, open, .. } => match (known(), open) {
            (known, true) if known.is_empty() => json!({ "type": "string" }),
            (known, true) => json!({ "anyOf": [{ "enum": known }, { "type": "string" }] }),
            (known, false) => json!({ "enum": known }),
        },
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Integer { low, high } => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Shape::Number(Bounds::Probability) => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Number(Bounds::Positive) => json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1e12 }),
        Shape::Number(Bounds::NotNegative) => json!({ "type": "number", "minimum": 0, "maximum": 1e12 }),
        Shape::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
        Shape::DurationOrNone => {
            json!({ "anyOf": [{ "type": "string", "pattern": DURATION }, { "const": "none" }] })
        }
        Shape::Shift => json!({ "type": "string", "pattern": SHIFT }),
        Shape::Rate => json!({ "type": "string", "pattern": RATE }),
        Shape::Bytes => {
            json!({ "anyOf": [{ "type": "string", "pattern": BYTES }, { "type": "integer", "minimum": 1 }] })
        }
        Shape::File(_) | Shape::Text => json!({ "type": "string", "minLength": 1 }),
        Shape::List { each, least } => json!({ "type": "array", "items": of(each), "minItems": least }),
        Shape::Range(each) => json!({ "type": "array", "items": of(each), "minItems": 2, "maxItems": 2 }),
        Shape::Table(shape) => table(shape),
        Shape::Named(each) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": of(each),
        }),
        Shape::Grid => json!({ "type": "object", "additionalProperties": { "type": ["array", "object"] } }),
        Shape::Precision => json!({ "type": "string", "pattern": PRECISION }),
        Shape::Kernel => {
            let keys = kernel::keys().into_iter();
            let properties =
                keys.map(|(name, about, shape, default)| (name.to_owned(), property(&shape, &about, default)));
            json!({ "type": "object", "properties": object(properties), "additionalProperties": false })
        }
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() }),
    }
}
