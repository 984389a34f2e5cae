//! Luck from a seed, printed by whatever fails.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    /// Small numbers, the ends of each width, and anything.
    pub fn extreme(&mut self) -> i64 {
        const ENDS: [i64; 12] =
            [0, 1, -1, 127, -128, 32_767, -32_768, 65_535, 0x7fff_ffff, -0x8000_0000, i64::MAX, i64::MIN];
        match self.below(3) {
            0 => ENDS[self.below(ENDS.len())],
            1 => self.below(100) as i64,
            _ => self.next() as i64,
        }
    }

    /// Valid UTF-8, seldom long.
    pub fn text(&mut self) -> String {
        const CHARS: [char; 12] = ['a', 'Z', '0', '-', '_', '.', ' ', '\0', 'ß', '漢', '🦦', '\u{202e}'];
        let len = if self.one_in(30) { self.below(400) } else { self.below(12) };
        (0..len).map(|_| CHARS[self.below(CHARS.len())]).collect()
    }
}
