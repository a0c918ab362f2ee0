package web_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"orrery/internal/identity"
)

// TestTheNavigationFits opens pages as who has every entry of it, at the widths between the folded
// navigation and the whole one, without scrolling sideways.
func TestTheNavigationFits(t *testing.T) {
	s := newSite(t)
	s.openDoor()
	_, boss := s.person("Asha Raghunathan-Lindqvist", identity.InviteInput{Roles: []identity.OrgRole{identity.Admin, identity.Curator, identity.Auditor}})
	e := s.look(boss)
	for _, path := range []string{"/", "/settings/webhooks/new", "/settings/trackers/new", "/api/docs"} {
		e.open(path)
		for _, theme := range []string{"light", "dark"} {
			for _, width := range []int64{390, 1010, 1023, 1024, 1100, 1180, 1265, 1280, 1340} {
				e.as(width, theme)
				if wide := eval[int64](e, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("%s in %s: %d wide at %d", path, theme, wide, width)
				}
				if folder := os.Getenv("PICTURES"); folder != "" && (width == 1024 || width == 1280 || width == 390) {
					e.picture(filepath.Join(folder, "nav"+strings.ReplaceAll(path, "/", "-")+"-"+theme+"-"+strconv.FormatInt(width, 10)+".png"))
				}
			}
		}
	}
}
