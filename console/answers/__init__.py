"""The debtor's page: what is owed, how to pay, and six answers, by the link of a message alone."""
