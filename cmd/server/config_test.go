package main

import "testing"

// A public address is kept as links and cookies need it.
func TestPublicURL(t *testing.T) {
	for given, want := range map[string]string{
		"HTTPS://Orrery.Example.com/": "https://orrery.example.com", "http://127.0.0.1:8443": "http://127.0.0.1:8443", "https://orrery.example.com": "https://orrery.example.com",
	} {
		c := config{Connections: 8, PublicURL: given}
		if err := c.Validate(); err != nil || c.publicURL() != want || c.secure() != (want[:5] == "https") {
			t.Errorf("%s: %s, secure %t, %v", given, c.publicURL(), c.secure(), err)
		}
	}
	for _, given := range []string{"orrery.example.com", "ftp://x", "https://x/y", "https://x?y", "https://x#y", "https://a:b@x"} {
		c := config{Connections: 8, PublicURL: given}
		if c.Validate() == nil {
			t.Errorf("%s is taken", given)
		}
	}
}
