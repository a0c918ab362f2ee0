// Package mailtest has a mail server that keeps what it is given.
package mailtest

import (
	"bufio"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"orrery/internal/notify"
)

// Double is a mail server on this machine.
type Double struct {
	t        testing.TB
	listener net.Listener
	mu       sync.Mutex
	letters  []string
	refuse   bool
	pause    time.Duration
}

// Letter is a mail as a reader sees it.
type Letter struct {
	Header  mail.Header
	To      string // the address alone
	Subject string
	Body    string
}

// New starts a server that ends with the test.
func New(t testing.TB) *Double {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &Double{t: t, listener: l}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go d.talk(c)
		}
	}()
	return d
}

// Mail is how a service sends through the server.
func (d *Double) Mail() notify.Mail {
	return notify.Mail{Server: "smtp://" + d.listener.Addr().String(), From: "Orrery <orrery@example.org>"}
}

// Refuse makes the server take nothing, or everything again.
func (d *Double) Refuse(refuse bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// Slow makes the server wait before it takes a letter.
func (d *Double) Slow(pause time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pause = pause
}

// Take returns the letters that came since it was last called.
func (d *Double) Take() (list []Letter) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, raw := range d.letters {
		list = append(list, d.read(raw))
	}
	d.letters = nil
	return list
}

func (d *Double) read(raw string) Letter {
	d.t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		d.t.Fatal(err)
	}
	to, err := mail.ParseAddress(m.Header.Get("To"))
	if err != nil {
		d.t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil {
		d.t.Fatal(err)
	}
	return Letter{Header: m.Header, To: to.Address, Subject: subject, Body: strings.ReplaceAll(string(body), "\r\n", "\n")}
}

func (d *Double) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	in := bufio.NewReader(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 double ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		d.mu.Lock()
		refuse, pause := d.refuse, d.pause
		d.mu.Unlock()
		switch {
		case verb == "DATA":
			say("354 go on")
			letter, err := body(in)
			time.Sleep(pause)
			if err != nil {
				return
			}
			d.mu.Lock()
			d.letters = append(d.letters, letter)
			d.mu.Unlock()
			say("250 taken")
		case verb == "RCPT" && refuse:
			say("451 later")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

// body reads a letter up to the dot that ends it.
func body(in *bufio.Reader) (string, error) {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return b.String(), err
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}
