"""What a report's rows are: fields, columns, breakdowns, records. Nothing here asks Meta."""
