//! The table in `docs/defects.md`: each planted defect, how it is looked for, and seeds that show it.
//!
//! Everything but the seeds is said in code ([`Hunt`](crate::Hunt) and `calsync_core::defects`) and only written down in the
//! table; a test compares both. The seeds are measured, and `simulate --confirm docs/defects.md --write` writes them.

use std::collections::BTreeMap;

use crate::hunt::Hunt;

/// Where the table begins and ends in the page.
const BEGINS: &str = "<!-- table of planted defects -->\n";
const ENDS: &str = "<!-- end of the table -->\n";
const HEADER: &str =
    "| defect | what is off | mix | besides | found by | seeds |\n| --- | --- | --- | --- | --- | --- |\n";

/// The seeds that show each defect, by the name of its hunt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Catalogue {
    seeds: BTreeMap<String, Vec<u64>>,
}

impl Catalogue {
    /// Reads the table of a page.
    ///
    /// # Errors
    ///
    /// What is wrong with the page: no table, or a row that is none.
    pub fn read(page: &str) -> Result<Catalogue, String> {
        let (_, rest) = page.split_once(BEGINS).ok_or("it has no table of planted defects")?;
        let (table, _) = rest.split_once(ENDS).ok_or("the table of planted defects does not end")?;
        let mut seeds = BTreeMap::new();
        for line in table.lines().skip(2).filter(|line| !line.is_empty()) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (Some(name), Some(list)) = (cells.first(), cells.last()) else {
                return Err(format!("this is no row of it: {line}"));
            };
            let list = list.split(", ").filter(|seed| !seed.is_empty() && *seed != NONE);
            let list: Result<Vec<u64>, _> = list.map(str::parse).collect();
            let list = list.map_err(|_| format!("these are no seeds: {line}"))?;
            if seeds.insert(name.trim_matches('`').to_owned(), list).is_some() {
                return Err(format!("{name} is there twice"));
            }
        }
        Ok(Catalogue { seeds })
    }

    /// The seeds of one hunt, the smallest first; none where it was not found.
    pub fn seeds(&self, name: &str) -> &[u64] {
        self.seeds.get(name).map_or(&[], Vec::as_slice)
    }

    /// Notes where a hunt was successful.
    pub fn put(&mut self, name: &str, seeds: Vec<u64>) {
        self.seeds.insert(name.to_owned(), seeds);
    }

    /// The page with this table in the place of its own.
    pub fn write_into(&self, page: &str) -> String {
        let (Some((before, rest)), table) = (page.split_once(BEGINS), self.table()) else {
            return page.to_owned();
        };
        let after = rest.split_once(ENDS).map_or("", |(_, after)| after);
        format!("{before}{BEGINS}{table}{ENDS}{after}")
    }

    fn table(&self) -> String {
        let rows = Hunt::all().into_iter().map(|hunt| {
            let seeds = self.seeds(&hunt.name).iter().map(u64::to_string).collect::<Vec<_>>();
            let besides: Vec<String> =
                hunt.beside.iter().map(|defect| format!("`{}`", defect.name())).collect();
            format!(
                "| `{}` | {} | {} | {} | {} | {} |\n",
                hunt.name,
                hunt.says(),
                hunt.mix.name(),
                besides.join(" "),
                if hunt.breaks.is_empty() { "any".to_owned() } else { hunt.breaks.join(", ") },
                if seeds.is_empty() { NONE.to_owned() } else { seeds.join(", ") }
            )
        });
        std::iter::once(HEADER.to_owned()).chain(rows).collect()
    }
}

/// Instead of seeds.
const NONE: &str = "not found";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/defects.md");

    #[test]
    fn the_page_says_of_each_defect_what_the_code_says() {
        let table = Catalogue::read(PAGE).unwrap();
        assert_eq!(
            table.write_into(PAGE),
            PAGE,
            "`cargo run --release --example simulate -- --confirm docs/defects.md --write` writes it anew"
        );
        let hunts: BTreeSet<String> = Hunt::all().into_iter().map(|hunt| hunt.name).collect();
        let rows: BTreeSet<String> = table.seeds.keys().cloned().collect();
        assert_eq!(rows, hunts);
    }

    #[test]
    fn seeds_come_back_as_they_were_written() {
        let mut table = Catalogue::default();
        table.put("no-journal", vec![3, 70_000]);
        let page = format!("before\n{BEGINS}{ENDS}after\n");
        let written = table.write_into(&page);
        assert!(written.starts_with("before\n") && written.ends_with("after\n"), "{written}");
        let read = Catalogue::read(&written).unwrap();
        assert_eq!(read.seeds("no-journal"), [3, 70_000]);
        assert_eq!(read.seeds("guard-off"), [0_u64; 0]);
        assert!(Catalogue::read("nothing").is_err());
    }
}
