//! Masking: the exclusive or of a payload with a repeated key (RFC 6455, section 5.3).

/// Masks or unmasks `payload` in place. The first byte meets the first byte of `key`.
pub(super) fn apply(payload: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (chunks, tail) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, key) in tail.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::apply;

    #[test]
    fn a_length_that_is_no_multiple_of_eight_is_unmasked_wrongly() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..40 {
            let plain: Vec<u8> = (0..length).collect();
            let bytewise: Vec<u8> = plain.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            let mut fast = plain.clone();
            apply(&mut fast, key);
            assert_eq!(fast, bytewise, "length {length}");
        }
    }
}
