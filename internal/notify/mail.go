package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/url"
	"strings"
	"time"
)

const mailTimeout = 30 * time.Second

// Mail is a server that takes mail, and who we are there. The zero Mail sends nothing.
type Mail struct {
	Server   string // smtp://host:587 or smtps://host:465
	User     string
	Password string
	From     string
}

// Check says what is wrong with the settings.
func (m Mail) Check() error {
	if m.Server == "" {
		return nil
	}
	u, err := url.Parse(m.Server)
	if err != nil || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.User != nil {
		return errors.New("the mail server is like smtp://mail.example.com:587")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		return errors.New("the address that mail comes from is missing or wrong")
	}
	return nil
}

// letter is one mail of plain text.
type letter struct {
	To, Subject, Body string
	At                time.Time
}

// send hands a letter to the server. TLS is used from the start with smtps, and from the
// server's first offer on with smtp; a password is never sent without it but to this machine.
func (m Mail) send(ctx context.Context, l letter) error {
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return fmt.Errorf("address of the sender: %w", err)
	}
	to, err := mail.ParseAddress(l.To)
	if err != nil {
		return fmt.Errorf("address of the receiver: %w", err)
	}
	c, host, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("reach the mail server: %w", err)
	}
	defer func() { _ = c.Close() }()
	if encrypted, _ := c.Extension("STARTTLS"); encrypted {
		if err := c.StartTLS(&tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}); err != nil {
			return fmt.Errorf("speak TLS with the mail server: %w", err)
		}
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return fmt.Errorf("sign in to the mail server: %w", err)
		}
	}
	if err := errors.Join(c.Mail(from.Address), c.Rcpt(to.Address)); err != nil {
		return fmt.Errorf("hand over mail: %w", err)
	}
	w, err := c.Data()
	if err != nil {
		return fmt.Errorf("hand over mail: %w", err)
	}
	_, err = w.Write(l.encode(from, to))
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("hand over mail: %w", err)
	}
	_ = c.Quit() // it has the mail
	return nil
}

func (m Mail) dial(ctx context.Context) (*smtp.Client, string, error) {
	u, err := url.Parse(m.Server)
	if err != nil {
		return nil, "", err
	}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"smtp": "587", "smtps": "465"}[u.Scheme]
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, "", err
	}
	_ = conn.SetDeadline(time.Now().Add(mailTimeout))
	if u.Scheme == "smtps" {
		conn = tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		_ = conn.Close()
	}
	return c, host, err
}

// encode writes the letter by RFC 5322: no header takes a line of its own from what people wrote.
func (l letter) encode(from, to *mail.Address) []byte {
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	_, domain, _ := strings.Cut(from.Address, "@")
	header("From", from.String())
	header("To", to.String())
	header("Subject", mime.QEncoding.Encode("utf-8", strings.Join(strings.Fields(l.Subject), " ")))
	header("Date", l.At.UTC().Format(time.RFC1123Z))
	header("Message-ID", "<"+rand.Text()+"@"+domain+">")
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(strings.ReplaceAll(l.Body, "\n", "\r\n"))) // to memory
	_ = w.Close()
	return b.Bytes()
}
