//! CSV as every reader opens it without an option: comma, LF, one header line always, an empty field for "never".

use crate::experiment::rows::{Field, Row};
use crate::report::{NewFile, Output, WriteError, at};

/// A CSV file that is being written.
#[derive(Debug)]
pub struct CsvFile {
    path: std::path::PathBuf,
    writer: ::csv::Writer<NewFile>,
}

impl CsvFile {
    /// A new file with the header of `R`, the varied keys where the row has them.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create<R: Row>(output: &Output, name: &str, varied: &[(String, String)]) -> Result<Self, WriteError> {
        let file = output.create(name)?;
        let path = file.path().to_owned();
        let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(file);
        let keys = varied.iter().map(|(key, _)| key.as_str());
        writer.write_record(R::KEYS.iter().copied().chain(keys).chain(R::REST.iter().copied())).map_err(into(&path))?;
        Ok(Self { path, writer })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write<R: Row>(
        &mut self,
        varied: &[(String, String)],
        rows: impl IntoIterator<Item = R>,
    ) -> Result<(), WriteError> {
        for row in rows {
            for field in row.keys() {
                self.field(&field)?;
            }
            for (_, value) in varied {
                self.field(&Field::Text(value))?;
            }
            for field in row.rest() {
                self.field(&field)?;
            }
            self.writer.write_record(None::<&[u8]>).map_err(into(&self.path))?;
        }
        Ok(())
    }

    fn field(&mut self, field: &Field<'_>) -> Result<(), WriteError> {
        let written = match field {
            Field::Number(number) => self.writer.write_field(number.to_string()),
            Field::Text(text) => self.writer.write_field(text),
            Field::Owned(text) => self.writer.write_field(text),
            Field::Decimal(number) => self.writer.write_field(number.to_string()),
            Field::Never => self.writer.write_field(""),
        };
        written.map_err(into(&self.path))
    }

    /// The file has all its rows.
    ///
    /// # Errors
    /// Where they cannot reach the disk.
    pub fn finish(self, output: &mut Output) -> Result<(), WriteError> {
        let Self { path, writer } = self;
        let file = writer.into_inner().map_err(|e| at(&path)(e.into_error()))?;
        output.finish(file)
    }
}

fn into(path: &std::path::Path) -> impl FnOnce(::csv::Error) -> WriteError {
    let path = path.to_owned();
    // The library wraps I/O errors in its own, and turns those back into the same.
    move |error| WriteError::Io { path, cause: error.into() }
}
