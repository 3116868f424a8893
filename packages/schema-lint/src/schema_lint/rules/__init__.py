"""One folder for each rule, named as its id; knows no rule by name."""
