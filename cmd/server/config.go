package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"orrery/internal/notify"
	"orrery/internal/outbound"
)

// config is what every command may be told, by flag or environment.
type config struct {
	DatabaseURL    string `env:"DATABASE_URL" help:"Address of a PostgreSQL database. Without it Orrery runs a private PostgreSQL in the data folder."`
	Data           string `env:"ORRERY_DATA" type:"path" help:"Data folder of the private PostgreSQL. Default: /var/lib/orrery for root, else .local/share/orrery in your home folder."`
	Listen         string `env:"ORRERY_LISTEN" default:"127.0.0.1:8080" help:"Address to serve on."`
	PublicURL      string `env:"ORRERY_PUBLIC_URL" help:"Where people reach the portal. Default: http:// and the address served on."`
	Organisation   string `env:"ORRERY_ORGANISATION" help:"Name of the organisation, used at the first start. Default: your organisation; in the demo Acme."`
	LogLevel       string `env:"ORRERY_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"How much to log (${enum})."`
	Collect        string `env:"ORRERY_COLLECT" enum:"daily,off" default:"daily" help:"When evidence is collected by itself: daily, for workloads with a connected AWS account, or off."`
	SigningKey     string `env:"ORRERY_SIGNING_KEY" help:"Private key that decisions are signed with (PKCS#8 PEM, from: orrery keys generate). Needed with DATABASE_URL; else made in the data folder."`
	SigningKeyFile string `env:"ORRERY_SIGNING_KEY_FILE" type:"path" help:"File that holds the private key instead."`
	SecretsKey     string `env:"ORRERY_SECRETS_KEY" help:"Key that secrets of webhooks, trackers and chats are sealed with (from: orrery keys secrets). More keys, a line each, only open. With DATABASE_URL needed to use these; else made in the data folder."`
	SecretsKeyFile string `env:"ORRERY_SECRETS_KEY_FILE" type:"path" help:"File that holds the key for secrets instead."`
	OutboundAllow  string `env:"ORRERY_OUTBOUND_ALLOW" help:"Networks that webhooks, trackers and chats may be in although they are not public, for example 10.20.0.0/16, with commas between."`
	Mail           string `env:"ORRERY_MAIL" help:"Server that takes mail, as smtp://mail.example.com:587 or smtps://mail.example.com:465. Without it no mail is sent."`
	MailUser       string `env:"ORRERY_MAIL_USER" help:"Name to sign in to the mail server with."`
	MailPassword   string `env:"ORRERY_MAIL_PASSWORD" help:"Password for it."`
	MailFrom       string `env:"ORRERY_MAIL_FROM" help:"Address that mail comes from. Needed with ORRERY_MAIL."`
	Connections    int32  `env:"ORRERY_CONNECTIONS" default:"24" help:"Connections to the database, at most."`
}

// Validate is called by kong after parsing.
func (c *config) Validate() error {
	if c.Connections < 8 {
		return errors.New("--connections must be at least 8")
	}
	if _, err := outbound.ParseNetworks(c.OutboundAllow); err != nil {
		return fmt.Errorf("--outbound-allow: %w", err)
	}
	if err := c.mail().Check(); err != nil {
		return fmt.Errorf("--mail: %w", err)
	}
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" && u.Path != "/" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("--public-url must be like https://orrery.example.com, not %q", c.PublicURL)
	}
	c.PublicURL = u.Scheme + "://" + strings.ToLower(u.Host)
	return nil
}

// mail is the mail server as it was configured.
func (c config) mail() notify.Mail {
	return notify.Mail{Server: c.Mail, User: c.MailUser, Password: c.MailPassword, From: c.MailFrom}
}

// publicURL is where people reach the portal, as Validate leaves it: in small letters, without a slash at the end.
func (c config) publicURL() string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	return "http://" + c.Listen
}

// organisation is the name used at the first start.
func (c config) organisation(demo bool) string {
	switch {
	case c.Organisation != "":
		return c.Organisation
	case demo:
		return "Acme"
	}
	return "your organisation"
}

// secure reports whether people reach the portal over https.
func (c config) secure() bool { return strings.HasPrefix(c.publicURL(), "https://") }

// dataFolder is the folder of the private Postgres; suffix tells the demo's apart.
func (c config) dataFolder(suffix string) (string, error) {
	if c.Data != "" && suffix != "" {
		return filepath.Join(c.Data, strings.TrimPrefix(suffix, "-")), nil // a demo never fills an installation
	}
	if c.Data != "" {
		return c.Data, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/orrery" + suffix, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no DATABASE_URL is set, and there is no home folder to keep a private database in: set one of DATABASE_URL and ORRERY_DATA: %w", err)
	}
	return filepath.Join(home, ".local", "share", "orrery"+suffix), nil
}
