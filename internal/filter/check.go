package filter

import "fmt"

// A Bound is a filter or search whose every name, operator and value fits a schema. Only
// Check makes one; the zero Bound stands for "no filter" and lets everything through.
type Bound struct{ root Expr }

// Root returns the expression, in which every Property is set; nil for the zero Bound.
func (b Bound) Root() Expr { return b.root }

// Check looks up the names in e and converts the values to the types of their properties;
// e stays as it is. Errors: ErrUnknownProperty, ErrUnsupported, ErrType.
func Check(e Expr, s Schema) (Bound, error) {
	root, err := scope{schema: s}.bind(e)
	if err != nil {
		return Bound{}, err
	}
	return Bound{root}, nil
}

// A scope is where names are looked up: in a collection, or behind the variable of an any
// in one of its elements.
type scope struct {
	schema   Schema
	variable string
}

func (s scope) bind(e Expr) (Expr, error) {
	switch e := e.(type) {
	case And:
		terms, err := s.bindAll(e)
		return And(terms), err
	case Or:
		terms, err := s.bindAll(e)
		return Or(terms), err
	case Not:
		inner, err := s.bind(e.Expr)
		return Not{inner}, err
	case Compare:
		return s.compare(e)
	case In:
		return s.in(e)
	case Match:
		return s.match(e)
	case HasWords:
		var err error
		e.Property, err = s.find(e.Path, Search)
		return e, err
	case Any:
		return s.any(e)
	}
	return nil, ErrSyntax
}

func (s scope) match(e Match) (Expr, error) {
	var err error
	if e.Property, err = s.find(e.Path, e.Op); err != nil || e.Op != Matches {
		return e, err
	}
	if e.pattern, err = pattern(e.Text); err != nil {
		return nil, ErrPattern.With(e.Path.String(), "The pattern for "+e.Path.String()+" is not understood, or is too long.")
	}
	return e, nil
}

func (s scope) bindAll(terms []Expr) ([]Expr, error) {
	bound := make([]Expr, len(terms))
	for i, t := range terms {
		var err error
		if bound[i], err = s.bind(t); err != nil {
			return nil, err
		}
	}
	return bound, nil
}

func (s scope) compare(e Compare) (Expr, error) {
	var err error
	if e.Property, err = s.find(e.Path, e.Op); err != nil {
		return nil, err
	}
	if e.Value == (Null{}) && e.Op&Equality == 0 {
		return nil, ErrType.With(e.Path.String(), "null can be compared with eq and ne only.")
	}
	e.Value, err = convert(e.Value, e.Path, e.Property)
	return e, err
}

func (s scope) in(e In) (Expr, error) {
	var err error
	if e.Property, err = s.find(e.Path, Eq); err != nil {
		return nil, err
	}
	values := make([]Value, len(e.Values))
	for i, v := range e.Values {
		if values[i], err = convert(v, e.Path, e.Property); err != nil {
			return nil, err
		}
	}
	e.Values = values
	return e, nil
}

func (s scope) any(e Any) (Expr, error) {
	var err error
	if e.Property, err = s.lookUp(e.Path); err != nil {
		return nil, err
	}
	if e.Property.Elements == nil {
		return nil, ErrType.With(e.Path.String(), fmt.Sprintf("%s is not a list; any can't be used with it.", e.Path))
	}
	e.Expr, err = scope{e.Property.Elements, e.Var}.bind(e.Expr)
	return e, err
}

// find returns the property at path, if op is allowed for it.
func (s scope) find(path Path, op Op) (*Property, error) {
	p, err := s.lookUp(path)
	if err != nil {
		return nil, err
	}
	why := fmt.Sprintf("%s can't be used with %s, only with %s.", path, op, p.Ops)
	switch {
	case p.Ops&op != 0:
		return p, nil
	case p.Ops == 0 && p.Elements != nil:
		why = fmt.Sprintf("%s is a list; only any can be used with it.", path)
	case p.Ops == 0:
		why = fmt.Sprintf("%s can't be used to filter, search or sort.", path)
	}
	return nil, ErrUnsupported.With(path.String(), why)
}

// lookUp returns the property at path, which inside an any has to start with its variable.
func (s scope) lookUp(path Path) (*Property, error) {
	rest := path
	if s.variable != "" {
		if len(path) == 0 || path[0] != s.variable {
			return nil, unknown(path, "inside this any, where names start with "+shown(s.variable))
		}
		rest = path[1:]
	}
	p := s.schema.find(rest.String())
	if p == nil {
		return nil, unknown(path, "here")
	}
	return p, nil
}

// unknown keeps short what it repeats: such a name may be as long as the whole text.
func unknown(path Path, where string) error {
	name := fmt.Sprintf("%.60s", path)
	return ErrUnknownProperty.With(name, fmt.Sprintf("There is no property %s %s.", shown(name), where))
}

func convert(v Value, path Path, p *Property) (Value, error) {
	converted, ok := p.Type.convert(v)
	if !ok {
		return nil, ErrType.With(path.String(), fmt.Sprintf("%s is compared with %s.", path, typeTexts[p.Type]))
	}
	return converted, nil
}
