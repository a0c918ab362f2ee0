package taggedtest

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
)

// mark is marked content that is open while a page is read.
type mark struct {
	artifact bool
	id       int // MCID, -1 when it has none
	instead  *string
	used     bool // the text that stands instead was taken
}

// scanner reads the operators of a page.
type scanner struct {
	page     Page
	operands []string
	marks    []mark
	size     float64
	x, y     float64
}

// readContent reads what a page shows. It fails on ink that belongs to no marked content.
func readContent(b []byte) (Page, error) {
	s := scanner{page: Page{Texts: map[int]string{}}}
	for len(b) > 0 {
		token, rest := next(b)
		b = rest
		if token == "" {
			continue
		}
		if strings.ContainsAny(token[:1], "(</[0123456789+-.") {
			s.operands = append(s.operands, token)
			continue
		}
		if err := s.operator(token); err != nil {
			return s.page, err
		}
		s.operands = nil
	}
	if len(s.marks) > 0 {
		return s.page, fmt.Errorf("%d marked contents are not closed", len(s.marks))
	}
	return s.page, nil
}

var (
	mcid    = regexp.MustCompile(`/MCID (\d+)`)
	instead = regexp.MustCompile(`/ActualText <FEFF([0-9A-F]*)>`)
)

func (s *scanner) operator(name string) error {
	switch name {
	case "BMC", "BDC":
		return s.open()
	case "EMC":
		if len(s.marks) == 0 {
			return fmt.Errorf("EMC without a beginning")
		}
		s.marks = s.marks[:len(s.marks)-1]
	case "Tf":
		s.size = s.number(1)
	case "Td":
		s.x, s.y = s.number(0), s.number(1)
	case "Tj":
		if len(s.marks) == 0 {
			return fmt.Errorf("text outside of marked content: %s", s.operands)
		}
		s.text(literal(s.operands[len(s.operands)-1]))
	case "f", "F", "f*", "S", "s", "B", "B*", "b", "b*", "Do", "sh":
		if len(s.marks) == 0 {
			return fmt.Errorf("%s outside of marked content", name)
		}
	}
	return nil
}

func (s *scanner) open() error {
	m := mark{id: -1, artifact: s.operands[0] == "/Artifact"}
	if len(s.operands) > 1 {
		if id := mcid.FindStringSubmatch(s.operands[1]); id != nil {
			m.id, _ = strconv.Atoi(id[1])
			if _, twice := s.page.Texts[m.id]; twice {
				return fmt.Errorf("MCID %d is used twice", m.id)
			}
			if len(s.marks) > 0 {
				return fmt.Errorf("MCID %d is inside other marked content", m.id)
			}
			s.page.Texts[m.id] = ""
		}
		if text := instead.FindStringSubmatch(s.operands[1]); text != nil {
			raw, err := hex.DecodeString(text[1])
			if err != nil {
				return err
			}
			words := decode16(raw)
			m.instead = &words
		}
	}
	s.marks = append(s.marks, m)
	return nil
}

// number returns the i-th operand as a number.
func (s *scanner) number(i int) float64 {
	n, err := strconv.ParseFloat(s.operands[i], 64)
	if err != nil {
		panic(fmt.Sprintf("operand %q is no number", s.operands[i]))
	}
	return n
}

func (s *scanner) text(t string) {
	s.page.Runs = append(s.page.Runs, Run{Text: t, X: s.x, Y: s.y, Size: s.size, Artifact: s.marks[0].artifact})
	inner := &s.marks[len(s.marks)-1]
	if inner.instead != nil {
		if inner.used {
			return
		}
		t, inner.used = *inner.instead, true
	}
	if outer := s.marks[0]; outer.artifact {
		s.page.Artifacts += t + "\n"
	} else {
		s.page.Texts[outer.id] += t
	}
}

// next returns the first token and what is behind it.
func next(b []byte) (string, []byte) {
	b = bytes.TrimLeft(b, " \n\r\t")
	if len(b) == 0 {
		return "", nil
	}
	end := 0
	switch {
	case b[0] == '(':
		for end = 1; b[end] != ')'; end++ {
			if b[end] == '\\' {
				end++
			}
		}
		end++
	case bytes.HasPrefix(b, []byte("<<")):
		end = dictionary(b)
	case b[0] == '[':
		end = bytes.IndexByte(b, ']') + 1
	default:
		for end = 1; end < len(b) && !strings.ContainsRune(" \n\r\t(<[", rune(b[end])); end++ {
		}
	}
	return string(b[:end]), b[end:]
}

// dictionary returns the length of a dictionary of names, numbers and strings in
// hexadecimal.
func dictionary(b []byte) int {
	hex := false
	for i := 2; i+1 < len(b); i++ {
		switch {
		case b[i] == '<':
			hex = true
		case b[i] == '>' && hex:
			hex = false
		case b[i] == '>' && b[i+1] == '>':
			return i + 2
		}
	}
	return len(b)
}

// literal decodes a string of UTF-16, as Identity-H with character codes has it.
func literal(token string) string {
	var raw []byte
	inner := token[1 : len(token)-1]
	for i := 0; i < len(inner); i++ {
		if inner[i] != '\\' {
			raw = append(raw, inner[i])
			continue
		}
		i++
		switch inner[i] {
		case 'r':
			raw = append(raw, '\r')
		case 'n':
			raw = append(raw, '\n')
		default:
			raw = append(raw, inner[i])
		}
	}
	return decode16(raw)
}

func decode16(b []byte) string {
	var units []uint16
	for i := 0; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
	}
	return string(utf16.Decode(units))
}
