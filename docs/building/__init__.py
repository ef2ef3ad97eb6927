"""What makes the documentation: pictures, tables that follow the code, formulas, and the check of the built pages."""
