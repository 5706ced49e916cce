from intake.readers.bank.reading import read, recognise

__all__ = ["read", "recognise"]
