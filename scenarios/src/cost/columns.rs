//! Tables of text: columns as wide as what stands in them, numbers at the right.

/// The alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// The widest that a line may be, where the first column can give way.
const WIDTH: usize = 100;
/// The space between two columns.
const GAP: usize = 2;

/// The beginning of a remark that has no room on its line.
const INSET: &str = "    ";

/// Lines of a table. Words in the last column may be of any length. Where a line would be wider than a hundred characters, its
/// first cell, or the words in its last, stand on a line of their own.
pub fn lines(rows: &[Vec<String>], align: &[Align]) -> Vec<String> {
    let measured = align.len() - usize::from(align.last() == Some(&Align::Left));
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(move |row| row.get(column));
        cells.map(|cell| width(cell))
    };
    let rest: usize = (1..measured).map(|column| GAP + widest(column).max().unwrap_or(0)).sum();
    let room = WIDTH.saturating_sub(rest);
    let mut widths: Vec<usize> = (0..measured).map(|column| widest(column).max().unwrap_or(0)).collect();
    if let Some(first) = widths.first_mut() {
        *first = widest(0).filter(|width| *width <= room).max().unwrap_or(0);
    }
    rows.iter().flat_map(|row| row_lines(row, align, &widths)).collect()
}

fn row_lines(row: &[String], align: &[Align], widths: &[usize]) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for (column, cell) in row.iter().enumerate() {
        let mut cell = cell.as_str();
        if column > 0 {
            line += &" ".repeat(GAP);
        }
        let Some(wide) = widths.get(column).copied() else {
            if width(&line) + width(cell) > WIDTH {
                lines.push(line.trim_end().to_owned());
                lines.extend(wrapped(cell));
                line.clear();
            } else {
                line += cell;
            }
            continue;
        };
        if column == 0 && width(cell) > wide {
            lines.push(cell.to_owned());
            cell = "";
        }
        let pad = " ".repeat(wide.saturating_sub(width(cell)));
        line += &match align.get(column) {
            Some(Align::Right) => format!("{pad}{cell}"),
            _ => format!("{cell}{pad}"),
        };
    }
    if !line.is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// A remark on lines of its own, broken between words.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![INSET.to_owned()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        if line == INSET {
            *line += word;
        } else if width(line) + 1 + width(word) <= WIDTH {
            *line += &format!(" {word}");
        } else {
            lines.push(format!("{INSET}{word}"));
        }
    }
    lines
}

fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_left_and_numbers_right() {
        let rows = [vec!["web".into(), "1.5".into(), "x".into()], vec!["a".into(), "10.25".into()]];
        assert_eq!(lines(&rows, &[Align::Left, Align::Right, Align::Left]), ["web    1.5  x", "a    10.25"]);
    }

    #[test]
    fn a_remark_without_room_stands_below() {
        let rows = [
            vec!["web".into(), "1".into(), format!("{} end", "r".repeat(95))],
            vec!["b".into(), "2".into(), "short".into()],
        ];
        let align = [Align::Left, Align::Right, Align::Left];
        assert_eq!(
            lines(&rows, &align),
            [
                "web  1".to_owned(),
                format!("    {}", "r".repeat(95)),
                "    end".into(),
                "b    2  short".into()
            ]
        );
    }

    #[test]
    fn a_name_without_room_stands_on_a_line_of_its_own() {
        let long = "n".repeat(97);
        let rows = [vec![long.clone(), "12.00".into()], vec!["web".into(), "1.00".into()]];
        assert_eq!(
            lines(&rows, &[Align::Left, Align::Right]),
            [long, "     12.00".into(), "web   1.00".into()]
        );
    }
}
