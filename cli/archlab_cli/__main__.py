from archlab_cli.main import main

main()
