"""Reports: terminal, Allure, Markdown, metrics, JUnit."""
