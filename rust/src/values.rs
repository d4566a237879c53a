//! Values of core functions as text, in both directions.

use wasmtime::{V128, Val, ValType};

/// None: not a value of this type.
pub fn parse(ty: &ValType, text: &str) -> Option<Val> {
    let text = text.trim();
    match ty {
        ValType::I32 => integer(text, 32).map(|bits| Val::I32(bits as u32 as i32)),
        ValType::I64 => integer(text, 64).map(|bits| Val::I64(bits as u64 as i64)),
        ValType::F32 => float(text).map(|value: f32| Val::F32(value.to_bits())),
        ValType::F64 => float(text).map(|value: f64| Val::F64(value.to_bits())),
        ValType::V128 => {
            let digits = hexadecimal(text)?;
            u128::from_str_radix(&digits, 16).ok().map(|bits| Val::V128(V128::from(bits)))
        }
        // Nobody can name another one; None when the type has no null.
        ValType::Ref(_) if text == "null" => Val::default_for_ty(ty),
        ValType::Ref(_) => None,
    }
}

fn hexadecimal(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    Some(digits.replace('_', ""))
}

/// Signed or unsigned, decimal or hexadecimal; the bits of the number.
fn integer(text: &str, bits: u32) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = match hexadecimal(digits) {
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i128::from_str_radix(&digits, 16).ok(),
        None => digits.replace('_', "").parse().ok(),
    }?;
    let value = if negative { -magnitude } else { magnitude };
    let fits = value >= -(1 << (bits - 1)) && value < (1 << bits);
    fits.then_some(value)
}

fn float<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

pub fn print(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(value) => format!("{:#034x}", value.as_u128()),
        other => match other.ref_() {
            Some(reference) if reference.is_null() => "null".into(),
            _ => "<reference>".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn i32_of(text: &str) -> Option<i32> {
        parse(&ValType::I32, text).map(|value| value.unwrap_i32())
    }

    #[test]
    fn integers_are_signed_or_unsigned_and_in_range() {
        assert_eq!(i32_of("-1"), Some(-1));
        assert_eq!(i32_of("4294967295"), Some(-1));
        assert_eq!(i32_of("0xffffffff"), Some(-1));
        assert_eq!(i32_of("4294967296"), None);
        assert_eq!(i32_of("-2147483649"), None);
        assert_eq!(i32_of("--1"), None);
        assert_eq!(i32_of("1.5"), None);
        assert_eq!(i32_of(""), None);
        assert_eq!(parse(&ValType::I64, "18446744073709551615").unwrap().unwrap_i64(), -1);
    }

    #[test]
    fn floats_know_nan_and_infinity() {
        assert!(parse(&ValType::F32, "nan").unwrap().unwrap_f32().is_nan());
        assert_eq!(print(&parse(&ValType::F64, "-inf").unwrap()), "-inf");
        assert_eq!(print(&parse(&ValType::F64, "1.5").unwrap()), "1.5");
    }

    #[test]
    fn of_references_only_null_can_be_given() {
        let null = parse(&ValType::EXTERNREF, "null").unwrap();
        assert_eq!(print(&null), "null");
        assert!(parse(&ValType::EXTERNREF, "5").is_none());
    }

    #[test]
    fn vectors_are_hexadecimal() {
        let value = parse(&ValType::V128, "0x10").unwrap();
        assert_eq!(print(&value), "0x00000000000000000000000000000010");
    }
}
