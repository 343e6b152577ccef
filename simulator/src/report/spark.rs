//! A row of characters that rises and falls with a series.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A series in `cells` characters: each shows the largest value of its part against `top`. A value above zero is
/// never drawn as nothing; zero is a blank.
pub fn sparkline(values: &[f64], cells: usize, top: f64) -> String {
    let mut text = String::with_capacity(cells * 3);
    for cell in 0..cells.min(values.len()) {
        let cells = cells.min(values.len());
        let part = values.get(cell * values.len() / cells..(cell + 1) * values.len() / cells).unwrap_or(&[]);
        let value = part.iter().copied().fold(0.0, f64::max);
        text.push(level(value, top));
    }
    text
}

fn level(value: f64, top: f64) -> char {
    if value <= 0.0 || top <= 0.0 {
        return ' ';
    }
    // The first level whose upper edge reaches the value.
    let edges = (1..=8_u8).map(|step| top * f64::from(step) / 8.0);
    LEVELS.into_iter().zip(edges).find(|(_, edge)| value <= *edge).map_or('█', |(level, _)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_shows_the_largest_value_of_its_part() {
        assert_eq!(sparkline(&[0.0, 8.0, 1.0, 0.0, 0.5, 0.0], 3, 8.0), "█▁▁");
        assert_eq!(sparkline(&[0.0, 4.0, 8.0], 3, 8.0), " ▄█");
    }

    #[test]
    fn a_short_series_is_not_stretched_and_an_empty_one_is_empty() {
        assert_eq!(sparkline(&[1.0, 2.0], 80, 2.0), "▄█");
        assert_eq!(sparkline(&[], 80, 2.0), "");
        assert_eq!(sparkline(&[0.0, 3.0], 2, 0.0), "  ");
        assert_eq!(sparkline(&[3.0], 2, 1.0), "█");
    }
}
