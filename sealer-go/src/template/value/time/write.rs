//! Times as JSON, text and bytes (the marshal methods of `time.Time`).

use super::{Time, Zone};

impl Time {
    /// The time as RFC 3339 has it, or why it has no such time.
    pub(crate) fn rfc3339(&self) -> Result<String, &'static str> {
        if !(0..=9999).contains(&self.civil().year) {
            return Err("year outside of range [0,9999]");
        }
        if self.offset_and_name().0.abs() >= 24 * 3600 {
            return Err("timezone hour outside of range [0,23]");
        }
        Ok(self.format("2006-01-02T15:04:05.999999999Z07:00"))
    }

    /// Go's own form: a version, seconds and nanoseconds since the zero time, and the zone's offset.
    pub(crate) fn binary(&self) -> Result<Vec<u8>, &'static str> {
        let (mut minutes, mut seconds) = (-1_i64, 0_i64);
        if self.zone != Zone::Utc {
            let offset = self.offset_and_name().0;
            (minutes, seconds) = (offset / 60, offset % 60);
            if minutes == -1 {
                return Err("Time.MarshalBinary: unexpected zone offset");
            }
        }
        let minutes = i16::try_from(minutes).map_err(|_| "Time.MarshalBinary: unexpected zone offset")?;
        let mut bytes = vec![if seconds == 0 { 1 } else { 2 }];
        bytes.extend_from_slice(&self.internal().to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.nanoseconds).unwrap_or(0).to_be_bytes());
        bytes.extend_from_slice(&minutes.to_be_bytes());
        if seconds != 0 {
            bytes.extend(i8::try_from(seconds).map(i8::cast_unsigned));
        }
        Ok(bytes)
    }
}
