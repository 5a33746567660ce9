"""`python -m tidemark`."""

from tidemark import main

if __name__ == "__main__":
    main()
