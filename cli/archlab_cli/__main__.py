from archlab_cli.start import main

main()
