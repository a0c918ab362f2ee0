package main

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	for _, c := range []struct{ name, events, want string }{
		{"a package that holds", `
{"Action":"run","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestX","Output":"=== RUN   TestX\n"}
{"Action":"output","Package":"a","Test":"TestX","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestX/sub","Elapsed":0.1}
{"Action":"pass","Package":"a","Test":"TestX","Elapsed":0.1}
{"Action":"pass","Package":"a","Elapsed":0.2}`,
			"ok  \ta\t0.2s\t1 tests\n1 passed, 0 failed, 0 skipped\n"},
		{"a failure shows its output and no other", `
{"Action":"output","Package":"a","Test":"TestGood","Output":"chatter\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"=== RUN   TestBad\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"    a_test.go:7: got 1\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"output","Package":"a","Output":"FAIL\n"}
{"Action":"fail","Package":"a","Elapsed":1}`,
			"    a_test.go:7: got 1\n--- FAIL: TestBad (0.00s)\nFAIL\nFAIL\ta\t1.0s\n1 passed, 1 failed, 0 skipped\n"},
		{"what was not run is named", `
{"Action":"output","Package":"a","Test":"TestM","Output":"=== RUN   TestM\n"}
{"Action":"output","Package":"a","Test":"TestM","Output":"    m_test.go:3: not run: no moto_server\n"}
{"Action":"output","Package":"a","Test":"TestM","Output":"--- SKIP: TestM (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestM"}
{"Action":"pass","Package":"a","Elapsed":0}`,
			"ok  \ta\t0.0s\t1 tests\nNOT RUN\ta TestM: m_test.go:3: not run: no moto_server\n0 passed, 0 failed, 1 skipped\n"},
		{"a package that does not build counts as failed", `
{"ImportPath":"a","Action":"build-output","Output":"a.go:1: undefined: x\n"}
{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}
{"Action":"fail","Package":"a","Elapsed":0}`,
			"a.go:1: undefined: x\nFAIL\ta [build failed]\nFAIL\ta\t0.0s\n0 passed, 1 failed, 0 skipped\n"},
		{"a test that never ended shows its output", `
{"Action":"pass","Package":"a","Test":"TestX"}
{"Action":"output","Package":"a","Test":"TestHang","Output":"panic: test timed out\n"}
{"Action":"fail","Package":"a","Elapsed":9}`,
			"panic: test timed out\nFAIL\ta\t9.0s\n1 passed, 1 failed, 0 skipped\n"},
		{"a package without tests is silent", `{"Action":"skip","Package":"a","Elapsed":0}`, "0 passed, 0 failed, 0 skipped\n"},
		{"words of go itself are passed on", "go: no such tool\n", "go: no such tool\n0 passed, 0 failed, 0 skipped\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			r := newReport(&out)
			if err := r.read(strings.NewReader(strings.TrimLeft(c.events, "\n"))); err != nil {
				t.Fatal(err)
			}
			r.finish()
			if out.String() != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", out.String(), c.want)
			}
		})
	}
}
