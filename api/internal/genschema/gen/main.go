// Command gen writes the JSON Schemas: gen <source of api/recording> <directory>.
package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/recorderbridge/genesys-ingestor/api/internal/genschema"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: gen <directory of api/recording> <directory to write to>")
	}
	files, err := genschema.Generate(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(os.Args[2], name), b, 0o644); err != nil { //nolint:gosec // a public file
			log.Fatal(err)
		}
	}
}
