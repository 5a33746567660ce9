"""What any aggregate needs: events and their fold, errors, ids, a person who may be forgotten."""
