(let again () (again))
