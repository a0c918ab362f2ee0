package questionnaire

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// defaultCondition is the condition that always holds.
const defaultCondition = "default"

// op is what a node of a condition does.
type op uint8

const (
	opDefault op = iota // always holds; only alone
	opChoice            // a choice is ticked
	opNot
	opAnd
	opOr
)

// expr is a node of a condition. And and or nodes hold their operands in order; once
// resolved against a question, the operands that are a choice or a negated choice are
// also held as bits, so that scoring looks at few nodes.
type expr struct {
	op     op
	id     string  // of opChoice
	at     int     // of opChoice: offset of the id in the condition
	list   []*expr // operands
	ticked uint32  // of and, or, choice: choices wanted ticked
	clear  uint32  // of and, or: choices wanted not ticked
	groups []*expr // of and, or: the other operands
}

// conditionError is a condition that cannot be read, with the offset where.
type conditionError struct {
	offset        int
	message, mend string
}

func (e *conditionError) Error() string { return e.message }

// parseCondition reads a condition: default, or choice ids with ! before && before ||,
// and parentheses. White space is free.
func parseCondition(text string) (*expr, error) {
	p := conditionParser{text: text}
	if err := p.next(); err != nil {
		return nil, err
	}
	if p.token == defaultCondition {
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.token != "" {
			return nil, p.errorf("Write default alone.", "The word default cannot be combined with anything.")
		}
		return &expr{op: opDefault}, nil
	}
	e, err := p.or(1)
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, p.errorf("", "Expected && or || and found %s.", quote(p.token))
	}
	return e, nil
}

// conditionParser is a recursive descent parser with one token of look-ahead. An empty
// token is the end.
type conditionParser struct {
	text  string
	start int // of the token
	end   int
	token string
}

func (p *conditionParser) errorf(mend, format string, args ...any) error {
	return &conditionError{p.start, fmt.Sprintf(format, args...), mend}
}

func isIDByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// next reads the next token.
func (p *conditionParser) next() error {
	p.start = p.end
	for p.start < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.start:])
		if !unicode.IsSpace(r) {
			break
		}
		p.start += size
	}
	p.end, p.token = p.start, ""
	rest := p.text[p.start:]
	switch {
	case rest == "":
		return nil
	case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"):
		p.end += 2
	case rest[0] == '!' || rest[0] == '(' || rest[0] == ')':
		p.end++
	case rest[0] == '&' || rest[0] == '|':
		sign := strings.Repeat(rest[:1], 2)
		return p.errorf("Write "+sign+".", "A single %s is not an operator.", rest[:1])
	case isIDByte(rest[0]):
		for p.end < len(p.text) && isIDByte(p.text[p.end]) {
			p.end++
		}
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		return p.errorf("Use choice ids, &&, ||, ! and parentheses.", "The character %s does not belong in a condition.", quote(string(r)))
	}
	p.token = p.text[p.start:p.end]
	return nil
}

func (p *conditionParser) or(depth int) (*expr, error) {
	return p.operands(opOr, "||", depth, p.and)
}

func (p *conditionParser) and(depth int) (*expr, error) {
	return p.operands(opAnd, "&&", depth, p.factor)
}

// operands reads one or more operands between the sign; one alone is itself.
func (p *conditionParser) operands(o op, sign string, depth int, operand func(int) (*expr, error)) (*expr, error) {
	first, err := operand(depth)
	if err != nil || p.token != sign {
		return first, err
	}
	e := &expr{op: o}
	e.append(first)
	for p.token == sign {
		if err := p.next(); err != nil {
			return nil, err
		}
		more, err := operand(depth)
		if err != nil {
			return nil, err
		}
		e.append(more)
	}
	return e, nil
}

// append adds an operand; a group of the same kind is taken apart, which changes no value.
func (e *expr) append(operand *expr) {
	if operand.op == e.op {
		e.list = append(e.list, operand.list...)
		return
	}
	e.list = append(e.list, operand)
}

func (p *conditionParser) factor(depth int) (*expr, error) {
	if depth > maxDepth {
		return nil, p.errorf("", "The condition nests more than %d levels deep.", maxDepth)
	}
	switch p.token {
	case "":
		return nil, p.errorf("", "Expected a choice id and found the end.")
	case "!":
		if err := p.next(); err != nil {
			return nil, err
		}
		inner, err := p.factor(depth + 1)
		if err != nil {
			return nil, err
		}
		if inner.op == opNot {
			return inner.list[0], nil
		}
		return &expr{op: opNot, list: []*expr{inner}}, nil
	case "(":
		open := p.start
		if err := p.next(); err != nil {
			return nil, err
		}
		inner, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			if p.token == "" {
				p.start = open
				return nil, p.errorf("Close it with ).", "This parenthesis is never closed.")
			}
			return nil, p.errorf("", "Expected && or || or ) and found %s.", quote(p.token))
		}
		return inner, p.next()
	case ")", "&&", "||":
		return nil, p.errorf("", "Expected a choice id and found %s.", quote(p.token))
	}
	e := &expr{op: opChoice, id: p.token, at: p.start}
	return e, p.next()
}

// choices calls visit for each choice the condition names, in order.
func (e *expr) choices(visit func(*expr)) {
	if e.op == opChoice {
		visit(e)
	}
	for _, operand := range e.list {
		operand.choices(visit)
	}
}

// resolve gives each node its bits. Every id must be in position.
func (e *expr) resolve(position map[string]int) {
	if e.op == opChoice {
		e.ticked = 1 << position[e.id]
	}
	for _, operand := range e.list {
		operand.resolve(position)
		switch {
		case e.op != opAnd && e.op != opOr:
		case operand.op == opChoice:
			e.ticked |= operand.ticked
		case operand.op == opNot && operand.list[0].op == opChoice:
			e.clear |= operand.list[0].ticked
		default:
			e.groups = append(e.groups, operand)
		}
	}
}

// holds reports whether the condition is true for the chosen choices. A choice that is
// not applicable is a neutral element: it and its negation are dropped from the list
// they stand in, an empty && list is true, an empty || list is false, and alone they
// are false (lens format: scoring).
func (e *expr) holds(chosen, notApplicable uint32) bool {
	switch e.op {
	case opDefault:
		return true
	case opChoice:
		return e.ticked&chosen&^notApplicable != 0
	case opNot:
		inner := e.list[0]
		if inner.op == opChoice {
			return inner.ticked&(chosen|notApplicable) == 0
		}
		return !inner.holds(chosen, notApplicable)
	case opAnd:
		if e.ticked&^notApplicable&^chosen != 0 || e.clear&^notApplicable&chosen != 0 {
			return false
		}
		for _, group := range e.groups {
			if !group.holds(chosen, notApplicable) {
				return false
			}
		}
		return true
	default:
		if e.ticked&^notApplicable&chosen != 0 || e.clear&^notApplicable&^chosen != 0 {
			return true
		}
		for _, group := range e.groups {
			if group.holds(chosen, notApplicable) {
				return true
			}
		}
		return false
	}
}

// String writes the condition with single spaces and no needless parentheses.
func (e *expr) String() string {
	var b strings.Builder
	e.write(&b, opOr)
	return b.String()
}

// write appends the node as an operand of the outer operator.
func (e *expr) write(b *strings.Builder, outer op) {
	switch e.op {
	case opDefault:
		b.WriteString(defaultCondition)
	case opChoice:
		b.WriteString(e.id)
	case opNot:
		b.WriteByte('!')
		e.list[0].write(b, opNot)
	default:
		sign, wrap := " && ", outer == opNot
		if e.op == opOr {
			sign, wrap = " || ", outer != opOr
		}
		if wrap {
			b.WriteByte('(')
		}
		for i, operand := range e.list {
			if i > 0 {
				b.WriteString(sign)
			}
			operand.write(b, e.op)
		}
		if wrap {
			b.WriteByte(')')
		}
	}
}
