package filter

import (
	"fmt"
	"strings"
)

// A parser reads one text by recursive descent. MaxDepth bounds its recursion, MaxNodes
// what it builds.
type parser struct {
	*dialect
	text   string
	tokens []token // what is left; the end is never taken
	depth  int
	nodes  int
}

func (d *dialect) parser(text string) (*parser, error) {
	tokens, err := d.lex(text)
	if err != nil {
		return nil, err
	}
	return &parser{dialect: d, text: text, tokens: tokens}, nil
}

func (d *dialect) parse(text string) (Expr, error) {
	p, err := d.parser(text)
	if err != nil {
		return nil, err
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.peek().kind != end {
		return nil, p.expected("and, or, or the end")
	}
	return e, nil
}

// expression reads conditions joined by or, each of conditions joined by and.
func (p *parser) expression() (Expr, error) {
	terms, err := p.joined(p.or, p.conjunction)
	if err != nil || len(terms) == 1 {
		return first(terms), err
	}
	return Or(terms), nil
}

func (p *parser) conjunction() (Expr, error) {
	terms, err := p.joined(p.and, p.operand)
	if err != nil || len(terms) == 1 {
		return first(terms), err
	}
	return And(terms), nil
}

// joined reads one operand, and another one after each word.
func (p *parser) joined(word string, operand func() (Expr, error)) ([]Expr, error) {
	var terms []Expr
	for {
		term, err := operand()
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
		if !p.takeWord(word) {
			return terms, nil
		}
	}
}

func first(terms []Expr) Expr {
	if len(terms) == 0 {
		return nil
	}
	return terms[0]
}

// operand reads a condition, with not before it or parentheses around it.
func (p *parser) operand() (Expr, error) {
	if err := p.count(1); err != nil {
		return nil, err
	}
	if p.takeWord(p.not) {
		e, err := p.deeper(p.operand)
		return Not{e}, err
	}
	if !p.takeMark("(") {
		return p.term(p)
	}
	e, err := p.deeper(p.expression)
	if err != nil {
		return nil, err
	}
	return e, p.needMark(")")
}

// deeper reads something that is nested in something else.
func (p *parser) deeper(read func() (Expr, error)) (Expr, error) {
	if p.depth == MaxDepth {
		return nil, p.tooComplex("has more than %d parts inside one another", MaxDepth)
	}
	p.depth++
	defer func() { p.depth-- }()
	return read()
}

// count adds n to the nodes of the expression.
func (p *parser) count(n int) error {
	if p.nodes += n; p.nodes > MaxNodes {
		return p.tooComplex("has more than %d parts", MaxNodes)
	}
	return nil
}

// path reads names with slashes between them.
func (p *parser) path() (Path, error) {
	var path Path
	for {
		t := p.peek()
		if t.kind != name || t.text[0] == '-' {
			return nil, p.expected("the name of a property")
		}
		p.take()
		path = append(path, t.text)
		if !p.takeMark(p.step) {
			return path, nil
		}
	}
}

func (p *parser) peek() token { return p.tokens[0] }

func (p *parser) take() {
	if p.peek().kind != end {
		p.tokens = p.tokens[1:]
	}
}

// takeWord takes the next token if it is the given word, and reports whether it was.
func (p *parser) takeWord(word string) bool {
	t := p.peek()
	found := t.kind == name && strings.EqualFold(p.word(t), word)
	if found {
		p.take()
	}
	return found
}

// word is the text of a name without the dash that some grammars have in front of words.
func (d *dialect) word(t token) string {
	if d.dashed {
		return strings.TrimPrefix(t.text, "-")
	}
	return t.text
}

// takeMark takes the next token if it is the given character, and reports whether it was.
func (p *parser) takeMark(mark string) bool {
	t := p.peek()
	found := t.kind == special && t.text == mark
	if found {
		p.take()
	}
	return found
}

func (p *parser) needMark(mark string) error {
	if !p.takeMark(mark) {
		return p.expected(mark)
	}
	return nil
}

// expected says what should have stood where the next token is.
func (p *parser) expected(what string) error {
	t := p.peek()
	found := "a value" // which may be a secret, and is not repeated
	switch t.kind {
	case end:
		found = "the end"
	case name, special:
		found = shown(t.text)
	case bare:
		if strings.HasPrefix(what, found) {
			found = "a number, date or id that is none"
		}
	}
	return p.fail(p.text, t.at, "expected "+what+", found "+found)
}

// shown returns a name as a message repeats it: in quotes, escaped, and not at length.
func shown(name string) string { return fmt.Sprintf("%.60q", name) }
