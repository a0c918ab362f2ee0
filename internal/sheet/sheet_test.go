package sheet

import (
	"strings"
	"testing"
)

var columns = []Column{{Name: "key", Required: true}, {Name: "name", Required: true}, {Name: "launch_on"}}

func TestParse(t *testing.T) {
	for name, data := range map[string]string{
		"plain":                 "key,name\npay,Payments\n",
		"a byte order mark":     "\uFEFFkey,name\r\npay,Payments\r\n",
		"semicolons":            "name;key\nPayments;pay\n",
		"quotes and spaces":     "KEY, Name \n pay ,\"Payments\"\n\n , \n",
		"another column":        "key,launch on,name\npay,,Payments",
		"our own guarded cells": "key,name\npay,Payments\n",
	} {
		rows, problems := Parse([]byte(data), columns)
		if len(problems) > 0 || len(rows) != 1 || rows[0].Get("key") != "pay" || rows[0].Get("name") != "Payments" || rows[0].Line != 2 {
			t.Errorf("%s: %+v, %+v", name, rows, problems)
		}
	}
	rows, _ := Parse([]byte("key,name\npay,\"two\nlines\"\nb,'=x\n"), columns)
	if len(rows) != 2 || rows[1].Line != 4 || rows[1].Get("name") != "=x" || rows[0].Has("launch_on") {
		t.Errorf("%+v", rows)
	}
}

func TestParseNamesThePlace(t *testing.T) {
	for words, c := range map[string]struct {
		data string
		line int
	}{
		"The file is empty":           {"", 0},
		"a head and no row":           {"key,name\n", 0},
		"Column 2 is called \"nam\"":  {"key,nam\nx,y\n", 1},
		"The column name is missing":  {"key\nx\n", 1},
		"The column key stands there": {"key,key,name\nx,y,z\n", 1},
		"The row has 3 cells":         {"key,name\nx,y\nx,y,z\n", 3},
		"the quotes do not pair":      {"key,name\nx,y\"\"z\"\n", 2},
		"not UTF-8":                   {"key,name\nx,\xff\n", 2},
		"more than 5,000 rows":        {"key,name\n" + strings.Repeat("x,y\n", 5001), 5002},
		"longer than 2 MB":            {strings.Repeat("x", MaxBytes+1), 0},
	} {
		rows, problems := Parse([]byte(c.data), columns)
		found := false
		for _, p := range problems {
			found = found || strings.Contains(p.Message, words) && p.Line == c.line
		}
		if !found || rows != nil {
			t.Errorf("want %q on line %d, got %+v", words, c.line, problems)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"key,name\npay,Payments\n", "\uFEFFkey;name\n\"a\";'=b\n", "key,name\n\"", "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, problems := Parse(data, columns)
		if (len(rows) == 0) == (len(problems) == 0) {
			t.Errorf("%d rows and %d problems", len(rows), len(problems))
		}
	})
}
