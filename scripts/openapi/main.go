// Command openapi writes the description of the API, as a portal serves it, for the linter.
package main

import (
	"fmt"
	"os"
	"time"

	"orrery/web/api"
)

func main() {
	spec, err := api.New(api.Deps{PublicURL: "https://orrery.test", Version: "1.0.0", Now: time.Now}).Description().MarshalJSON()
	if err == nil {
		_, err = os.Stdout.Write(spec)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
