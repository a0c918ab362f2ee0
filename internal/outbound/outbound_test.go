package outbound_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"orrery/internal/outbound"
)

func TestPublic(t *testing.T) {
	for _, row := range []struct {
		of     string
		public bool
		list   string
	}{
		{"this machine", false, "127.0.0.1 127.255.255.254 ::1 :: 0.0.0.0 0.1.2.3"},
		{"private networks", false, "10.0.0.1 172.16.9.9 172.31.255.255 192.168.1.1 100.64.0.1 100.127.255.255 fc00::1 fd00:ec2::254 fec0::1"},
		{"one link", false, "169.254.169.254 fe80::1 224.0.0.1 255.255.255.255 ff02::1 ff0e::1"},
		{"protocols and tests", false, "192.0.0.1 192.0.0.170 198.18.0.1 198.19.255.255 240.0.0.1 192.88.99.1 2001::1 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1"},
		{"examples", false, "192.0.2.1 198.51.100.1 203.0.113.9 2001:db8::1 3fff::1 3fff:fff:ffff::1"},
		{"to be dropped", false, "100::1 100:0:0:1::1"},
		{"segments of routes", false, "5f00::1 5f00:ffff::1"},
		{"out of use", false, "3ffe::1"},
		{"IPv4, mapped", false, "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254"},
		{"IPv4, compatible", false, "::127.0.0.1 ::a9fe:a9fe ::10.0.0.1 ::8.8.8.8"},
		{"IPv4, translated", false, "::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8 64:ff9b::7f00:1 64:ff9b:1::7f00:1"},
		{"IPv4, 6to4 and Teredo", false, "2002:7f00:1:: 2001:0:7f00:1::"},
		{"the internet", true, "8.8.8.8 1.1.1.1 ::ffff:8.8.8.8 2606:4700::1111 100.128.0.1 172.32.0.1 192.0.1.1 198.20.0.1 2001:200::1 2001:4860:4860::8888 2a00:1450::1 3fff:1000::1 101::1"},
	} {
		for address := range strings.FieldsSeq(row.list) {
			if public := outbound.Public(netip.MustParseAddr(address)); public != row.public {
				t.Errorf("%s, of %s: public is %v", address, row.of, public)
			}
		}
	}
}

// TestDial reaches a server on this machine by each way of writing its address: never, unless
// its network is allowed. A redirect is not followed.
func TestDial(t *testing.T) {
	hits := 0
	double := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer double.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(double.URL, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := outbound.Client(nil).Get("http://" + host + ":" + port)
		if !errors.Is(err, outbound.ErrRefused) {
			t.Errorf("%s: %v", host, err)
		}
		if err != nil && !strings.Contains(outbound.Say(err), "not public") {
			t.Errorf("%s says %q", host, outbound.Say(err))
		}
	}
	if hits != 0 {
		t.Errorf("%d requests came through", hits)
	}
	allowed, err := outbound.ParseNetworks("127.0.0.0/8, ::1")
	if err != nil {
		t.Fatal(err)
	}
	res, err := outbound.Client(allowed).Get(double.URL)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusFound || hits != 1 {
		t.Errorf("status %d after %d requests", res.StatusCode, hits)
	}
	if _, err := outbound.ParseNetworks("ten"); err == nil {
		t.Error("a word is taken for a network")
	}
}

func TestCheckURL(t *testing.T) {
	for s, good := range map[string]bool{
		"https://hooks.example.com/orrery": true, "http://10.0.0.1:8080/x?y=1": true, "ftp://example.com": false, "https://": false, "/path": false,
		"https://user:word@example.com": false, "https://example.com/#part": false, "https://[fe80::1%25eth0]/": false, "": false, "https://:443/": false,
		"https://example.com/" + strings.Repeat("x", 2000): false,
	} {
		if said := outbound.CheckURL(s); (said == "") != good {
			t.Errorf("%.50q: %q", s, said)
		}
	}
}

func TestVault(t *testing.T) {
	first, second := outbound.NewVaultKey(), outbound.NewVaultKey()
	old, err := outbound.ParseVault(first + "\n")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := old.Seal("endpoint/1", "whsec_abc")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), "whsec") {
		t.Error("the secret can be read")
	}
	both, err := outbound.ParseVault(second + "\n" + first)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := both.Open("endpoint/1", sealed); err != nil || s != "whsec_abc" {
		t.Errorf("%q, %v", s, err)
	}
	if _, err := both.Open("endpoint/2", sealed); err == nil {
		t.Error("it opens in another place")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := both.Open("endpoint/1", sealed); err == nil {
		t.Error("it opens although it was changed")
	}
	alone, _ := outbound.ParseVault(second)
	if _, err := alone.Open("endpoint/1", sealed); err == nil {
		t.Error("it opens without its key")
	}
	none, _ := outbound.ParseVault("")
	if _, err := none.Seal("x", "y"); !errors.Is(err, outbound.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	for _, bad := range []string{"orrery-secrets-1:abc", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} {
		if _, err := outbound.ParseVault(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}
