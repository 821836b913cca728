//! A scenario as JSON: the same lines as its text.

use super::{Scenario, ScenarioError};

impl Scenario {
    /// The lines of the text, as the lists `setting` and `steps`.
    pub fn to_json(&self) -> serde_json::Value {
        let text = self.to_string();
        let (steps, setting): (Vec<&str>, Vec<&str>) = text
            .lines()
            .filter(|line| !line.is_empty())
            .partition(|line| line.starts_with(|c: char| c.is_ascii_digit()));
        serde_json::json!({ "setting": setting, "steps": steps })
    }

    /// Parses the output of [`Scenario::to_json`].
    ///
    /// # Errors
    /// If `setting` or `steps` is not a list of lines, or a line cannot be parsed.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, ScenarioError> {
        let mut text = String::new();
        for key in ["setting", "steps"] {
            let lines =
                json[key].as_array().ok_or_else(|| ScenarioError::new(0, format!("missing list `{key}`")))?;
            for line in lines {
                text.push_str(line.as_str().ok_or_else(|| {
                    ScenarioError::new(0, format!("`{key}` has an entry that is not text"))
                })?);
                text.push('\n');
            }
        }
        text.parse()
    }
}
