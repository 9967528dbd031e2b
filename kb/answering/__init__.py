"""From passages to claims: extractive by default, a language model when there is one."""
